"""Reads the gateway's key table, page by page by its primary key.

A transaction is open for one page at most, so a long import does not hold up the gateway's vacuum. Memory use does not
depend on the number of keys.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from gateways.tensorzero.faults import translated
from gateways.tensorzero.importing import sql
from gateways.tensorzero.importing.gateway_key import GatewayKey
from gateways.tensorzero.key_table import GatewayTable
from registry.db.connection import RAW_EPOCH_US, DriverConnection, instants_as_raw_us
from registry.keys.details import KeyDetails
from registry.keys.texts.text import MAX_LABEL, MAX_TEXT

# Keys per page, which is appended in one transaction. A larger page makes each key cheaper for the log and its
# followers, but makes others wait longer for the log's lock.
PAGE: Final = 2048
FIRST: Final = -(2**63)
# An importer stopped half way must not keep the gateway's rows locked, nor wait indefinitely for another session's
# lock.
_LIMITS: Final = (
    "SET LOCAL lock_timeout = '10s'; SET LOCAL statement_timeout = '60s';"
    "SET LOCAL idle_in_transaction_session_timeout = '60s'"
)


@dataclass(frozen=True, slots=True)
class ImportPage:
    """Some keys, and the row id after which the next page starts."""

    keys: Sequence[GatewayKey]
    last: int


class KeyTableReader:
    """The table on one connection. Every method raises GatewayUnavailable and GatewayRefused."""

    def __init__(self, connection: DriverConnection, schema: str) -> None:
        self._connection = connection
        self._schema = schema

    async def count(self) -> int:
        """The number of keys in the table."""
        return int((await self._fetch("count"))[0][0])

    async def page(self, after: int, size: int = PAGE, *, lock: str = "") -> ImportPage:
        """The next keys after a row id, oldest first; empty at the end."""
        rows = await self._fetch("page", after, size, MAX_TEXT, MAX_LABEL, lock=lock)
        return ImportPage([_key(row) for row in rows], rows[-1]["id"] if rows else after)

    @asynccontextmanager
    async def held_page(self, after: int, size: int = PAGE) -> AsyncIterator[ImportPage]:
        """Like `page`, but nobody can change those rows until the block ends; the gateway's lookups continue.

        A key is disabled either before it is read or after the block's work: never unnoticed in between.
        """
        with translated(self._schema):
            driver = await self._connection.get()
            async with driver.transaction():
                await driver.execute(_LIMITS)
                yield await self.page(after, size, lock="FOR SHARE")

    async def _fetch(self, name: str, *arguments: object, lock: str = "") -> list[Any]:
        with translated(self._schema):
            driver = await self._connection.get()
            rows: list[Any] = await driver.fetch(sql.at(self._schema, name, lock), *arguments)
            return rows


@asynccontextmanager
async def open_reader(table: GatewayTable) -> AsyncIterator[KeyTableReader]:
    """The table, on a dedicated connection."""
    connection = DriverConnection(table.engine, prepare=instants_as_raw_us)
    try:
        yield KeyTableReader(connection, table.schema)
    finally:
        await connection.close()


def _key(row: Any) -> GatewayKey:
    # Times arrive as numbers: a datetime can hold neither infinities nor years after 9999.
    return GatewayKey(
        public_id=row["public_id"],
        details=KeyDetails(row["description"], row["organization"], row["workspace"]),
        hash=row["hash"],
        created_us=row["created_at"] + RAW_EPOCH_US,
        disabled_us=_us(row["disabled_at"]),
        expires_us=_us(row["expires_at"]),
    )


def _us(raw: int | None) -> int | None:
    return None if raw is None else raw + RAW_EPOCH_US
