"""Where the gateway's table is in the log's own database: its rows are written in the append's transaction.

So a revocation is in the gateway's table when the API answers, and an append that can't write it is none.
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
from registry.db.connection import TRANSPORT_ERRORS
from registry.errors import AppendHookFailed
from registry.keys.state import KeyState

logger = logging.getLogger(__name__)

# Others wait for the log meanwhile: a row that somebody has locked there must not hold them up for long.
_LIMITS: Final = "SET LOCAL lock_timeout = '1s';"


class KeyTableHook:
    """See `append_hook.AppendHook`. The role is that of the log: it needs the rights that the sync's role needs."""

    def __init__(self, schema: str) -> None:
        self._schema = schema

    async def write(self, driver: Any, changed: Sequence[KeyState]) -> None:
        """See AppendHook. Takes the writer's turn as the sync does, which might else write what it read before this."""
        try:
            await driver.execute(_LIMITS + TAKE_LOCK)
            hashes = dict(await driver.fetch(sql.HASHES, [key.public_id for key in changed]))
            rows = [row for key in changed for row in rows_of(key, hashes)]
            with translated(self._schema):
                await upsert(driver, self._schema, rows)
        except TRANSPORT_ERRORS:
            raise
        except GatewayError as error:
            logger.error("nothing was appended, as the gateway's table of keys can't be written: %s", error)  # noqa: TRY400 - no values of a trace in logs
            raise AppendHookFailed from error


async def is_same_database(log: AsyncEngine, gateway: AsyncEngine) -> bool:
    """Whether both lead to one database of one server, whatever their URLs say. Raises what the drivers do.

    A lock that one holds and the other can't have: advisory locks are per database, and each is held in a transaction,
    so that neither poolers nor names of hosts can deceive. A standby is another server, which can't be written anyway.
    """
    key = secrets.randbits(62)
    async with log.connect() as one, gateway.connect() as other:
        holder, asker = (await _driver(one)), (await _driver(other))
        async with holder.transaction():
            await holder.execute(f"SELECT pg_advisory_xact_lock({key})")
            async with asker.transaction():
                return not await asker.fetchval(f"SELECT pg_try_advisory_xact_lock({key})")


async def _driver(connection: Any) -> Any:
    return (await connection.get_raw_connection()).driver_connection
