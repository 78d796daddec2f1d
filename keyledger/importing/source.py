"""Reads the gateway's table of keys, page by page by its primary key.

No transaction stays open: a long import neither holds up the gateway's vacuum nor needs more memory for more keys.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from keyledger.importing import sql
from keyledger.importing.gateway_key import GatewayKey
from registry.driver import RAW_EPOCH_US, TRANSPORT_ERRORS, DriverConnection, instants_as_raw_us
from registry.errors import Busy, Conflict
from registry.schemas import MAX_LABEL, MAX_TEXT

PAGE: Final = 1024
_FIRST: Final = -(2**63)
_NO_TABLE: Final = (
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.UndefinedFunctionError,
    asyncpg.InvalidSchemaNameError,
)


class Source:
    """The table on one connection. Every method raises Busy, and Conflict where it is not there or not to be read."""

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
        try:
            rows: list[Any] = await (await self._connection.get()).fetch(sql.at(self._schema, name), *arguments)
        except TRANSPORT_ERRORS as error:
            raise Busy("the gateway's database can't answer now: try again") from error
        except _NO_TABLE as error:
            raise Conflict(
                f"the gateway's database has no table {self._schema}.tensorzero_auth_api_key as the gateway makes it: "
                "see KEYLEDGER_GATEWAY_DATABASE_URL and KEYLEDGER_GATEWAY_SCHEMA"
            ) from error
        except asyncpg.PostgresError as error:
            # Its words may quote a row.
            raise Conflict(f"the gateway's database refuses to be read (SQLSTATE {error.sqlstate})") from error
        return rows


@asynccontextmanager
async def open_source(engine: AsyncEngine, schema: str) -> AsyncIterator[Source]:
    """The table in a schema of the engine's database. The engine is disposed of at the end."""
    connection = DriverConnection(engine, prepare=instants_as_raw_us)
    try:
        yield Source(connection, schema)
    finally:
        await connection.close()
        await engine.dispose()


def _key(row: Any) -> GatewayKey:
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
