"""Reads the gateway's table of keys, page by page by its primary key.

No transaction stays open: a long import does not hold up the gateway's vacuum. Memory does not depend on the number of
keys.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from keyledger.importing import sql
from keyledger.importing.gateway_key import GatewayKey
from projections.gateway.faults import translated
from projections.gateway.table import GatewayTable
from registry.driver import RAW_EPOCH_US, DriverConnection, instants_as_raw_us
from registry.schemas import MAX_LABEL, MAX_TEXT

# Keys of a page, which is appended in one transaction: the larger it is, the less a key costs the log and those who
# follow it, and the longer others wait for the log's lock.
PAGE: Final = 2048
_FIRST: Final = -(2**63)


class Source:
    """The table on one connection. Every method raises GatewayUnavailable and GatewayRefused."""

    def __init__(self, connection: DriverConnection, schema: str) -> None:
        self._connection = connection
        self._schema = schema

    async def count(self) -> int:
        """How many keys it has."""
        return int((await self._fetch("count"))[0][0])

    async def pages(self, size: int = PAGE) -> AsyncGenerator[list[GatewayKey], None]:
        """All keys, oldest first."""
        last = _FIRST
        while rows := await self._fetch("page", last, size, MAX_TEXT, MAX_LABEL):
            last = rows[-1]["id"]
            yield [_key(row) for row in rows]

    async def _fetch(self, name: str, *arguments: object) -> list[Any]:
        with translated(self._schema):
            driver = await self._connection.get()
            rows: list[Any] = await driver.fetch(sql.at(self._schema, name), *arguments)
            return rows


@asynccontextmanager
async def open_source(table: GatewayTable) -> AsyncIterator[Source]:
    """The table, on a connection of its own."""
    connection = DriverConnection(table.engine, prepare=instants_as_raw_us)
    try:
        yield Source(connection, table.schema)
    finally:
        await connection.close()


def _key(row: Any) -> GatewayKey:
    # Instants come as numbers: a datetime holds neither infinities nor what lies beyond the year 9999.
    return GatewayKey(
        public_id=row["public_id"],
        organization=row["organization"],
        workspace=row["workspace"],
        description=row["description"],
        hash=row["hash"],
        created_us=row["created_at"] + RAW_EPOCH_US,
        disabled_us=_us(row["disabled_at"]),
        expires_us=_us(row["expires_at"]),
    )


def _us(raw: int | None) -> int | None:
    return None if raw is None else raw + RAW_EPOCH_US
