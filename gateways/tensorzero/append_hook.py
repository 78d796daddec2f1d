"""For a gateway table in the log's own database: its rows are written in the append's transaction.

So when the API responds, a revocation is in the gateway's table; an append that can't write the table fails.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncEngine

from gateways.errors import GatewayError
from gateways.tensorzero import sql
from gateways.tensorzero.faults import translated
from gateways.tensorzero.key_table import TAKE_LOCK, upsert
from gateways.tensorzero.rows import rows_of
from registry.db.connection import TRANSPORT_ERRORS, connected, driver_of, transaction
from registry.errors import AppendHookFailed
from registry.keys.state import KeyState

logger = logging.getLogger(__name__)

# Others wait for the log meanwhile: a locked row in that table must not hold them up for long.
_LIMITS: Final = "SET LOCAL lock_timeout = '1s';"


class KeyTableHook:
    """See `append_hook.AppendHook`. The log's role needs the same privileges as the sync's role."""

    def __init__(self, schema: str) -> None:
        self._schema = schema

    async def write(self, driver: Any, changed: Sequence[KeyState]) -> None:
        """See AppendHook. Takes the writer's lock like the sync, which could otherwise write old state over this."""
        try:
            await driver.execute(_LIMITS + TAKE_LOCK)
            hashes = dict(await driver.fetch(sql.HASHES, [key.public_id for key in changed]))
            rows = [row for key in changed for row in rows_of(key, hashes)]
            with translated(self._schema):
                await upsert(driver, self._schema, rows)
        except TRANSPORT_ERRORS:
            raise
        except GatewayError as error:
            logger.error("nothing was appended, because the gateway's table of keys can't be written: %s", error)  # noqa: TRY400 - a traceback could log values
            raise AppendHookFailed from error


async def is_same_database(log: AsyncEngine, gateway: AsyncEngine) -> bool:
    """Whether both engines lead to one database of one server, whatever their URLs say. Raises the drivers' errors.

    Tests it with a lock that one session holds and the other then can't get: advisory locks are per database, and each
    is taken in a transaction, so neither poolers nor host names can mislead. A standby counts as another server; it
    can't be written to anyway.
    """
    key = secrets.randbits(62)
    async with connected(log) as one, connected(gateway) as other:
        holder, asker = (await driver_of(one)), (await driver_of(other))
        async with transaction(holder):
            await holder.execute(f"SELECT pg_advisory_xact_lock({key})")
            async with transaction(asker):
                return not await asker.fetchval(f"SELECT pg_try_advisory_xact_lock({key})")
