"""The clock of a registry's PostgreSQL, set by a test: a function of its name that the sessions find first."""

from __future__ import annotations

from datetime import timedelta

from keyledger.embedded.postgresql.cluster import DATABASE, OWNER
from tests.support.processes.registry_process import RegistryProcess
from tests.support.processes.running import embedded

_FAKE = f"""
CREATE SCHEMA chaos;
CREATE TABLE chaos.ahead AS SELECT '0'::interval AS by;
CREATE FUNCTION chaos.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
RETURN pg_catalog.clock_timestamp() + (SELECT by FROM chaos.ahead);
GRANT USAGE ON SCHEMA chaos TO PUBLIC;
GRANT SELECT ON chaos.ahead TO PUBLIC;
ALTER DATABASE {DATABASE} SET search_path = chaos, pg_catalog, public;
"""


async def make_settable(process: RegistryProcess) -> None:
    """Let the clock be set from the next start on."""
    async with embedded(process.folder, OWNER) as owner:
        await owner.execute(_FAKE)


async def set_clock(process: RegistryProcess, ahead: timedelta) -> None:
    """Let the clock of a running registry be so much ahead of the right time."""
    async with embedded(process.folder, OWNER) as owner:
        await owner.execute("UPDATE chaos.ahead SET by = $1", ahead)
