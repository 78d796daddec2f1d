"""The gateway's key table: reads and writes only the named rows, and never deletes one.

A writer first takes one transaction-scoped lock in the gateway's database, and only then reads the state that it
writes. So the later of two writers has the newer state, and older state never overwrites it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from gateways.errors import GatewayTableAbsent, GatewayTableUnfit
from gateways.tensorzero import sql
from gateways.tensorzero.faults import not_allowed, translated
from gateways.tensorzero.rows import GatewayRow, columns
from registry.db.connection import connected, driver_of, transaction

# The text `keyl-gtw` as a number. Advisory locks are per database.
WRITE_LOCK: Final = int.from_bytes(b"keyl-gtw")
# A writer stopped half way must not hold up others, such as the registry if it shares the database. A row locked by
# somebody else must not hold up other keys' rows for long.
_LIMITS: Final = (
    "SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = '20s';"
    "SET LOCAL idle_in_transaction_session_timeout = '10s';"
)
_ANSWER_S: Final = 60.0  # longer than the server itself allows: then the connection is broken
TAKE_LOCK: Final = f"SELECT pg_advisory_xact_lock({WRITE_LOCK})"
_TYPES: Final = {
    "organization": "text",
    "workspace": "text",
    "description": "text",
    "public_id": "character(12)",
    "hash": "character varying(255)",
    "created_at": "timestamp with time zone",
    "updated_at": "timestamp with time zone",
    "disabled_at": "timestamp with time zone",
    "expires_at": "timestamp with time zone",
}
# With another encoding, a single description could hold up every key.
_ENCODINGS: Final = frozenset({"UTF8", "SQL_ASCII"})


@dataclass(frozen=True, slots=True)
class RowChange:
    """A row that differed: its columns (all of a new row), and whether it lacks a hash and so can't be inserted."""

    public_id: str
    is_new: bool
    without_hash: bool
    columns: tuple[str, ...]

    @property
    def is_left_out(self) -> bool:
        """Whether the row does not exist and can't be created."""
        return self.is_new and self.without_hash


@dataclass(frozen=True, slots=True)
class Compared:
    """A row compared with what it should be: its actual hash, and the other columns that differ."""

    public_id: str
    is_absent: bool
    hash: str | None = field(repr=False)
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Secret:
    """Which row has which hash. `id` is the gateway's own row number."""

    id: int
    public_id: str
    hash: str = field(repr=False)


Write = Callable[[Sequence[GatewayRow]], Awaitable[list[RowChange]]]


class GatewayTable:
    """The table in one schema. Every method raises GatewayUnavailable and GatewayRefused."""

    def __init__(self, engine: AsyncEngine, schema: str = "public") -> None:
        self.engine = engine
        self.schema = schema

    async def check(self) -> str:
        """Return the identity of this table. Raises GatewayTableAbsent, GatewayTableUnfit, GatewayNotAllowed."""
        async with self._driver() as driver:
            row = await driver.fetchrow(sql.at(self.schema, "shape"))
        if row is None:
            raise GatewayTableAbsent(self.schema)
        faults = _faults(msgspec.json.decode(row["types"]), row["required"] or (), is_unique=row["is_unique"])
        if row["encoding"] not in _ENCODINGS:
            faults.append(f"the database's encoding is {row['encoding']}, which lacks some characters")
        if faults:
            table = f"{self.schema}.tensorzero_auth_api_key"
            raise GatewayTableUnfit(f"{table} is not as the gateway's migrations create it: {'; '.join(faults)}")
        if not row["is_allowed"]:
            raise not_allowed(self.schema)
        identity: str = row["identity"]
        return identity

    async def read(self, ids: Sequence[str]) -> dict[str, GatewayRow]:
        """The rows of some credentials, by id; missing rows are left out."""
        async with self._driver() as driver:
            rows = await driver.fetch(sql.at(self.schema, "read"), list(ids))
        return {row["public_id"]: GatewayRow(**row) for row in rows}

    async def secrets(self, after: int | None, limit: int) -> list[Secret]:
        """A page of all rows in the table's own order, with their hashes: those after a row's `id`."""
        async with self._driver() as driver:
            return [Secret(**row) for row in await driver.fetch(sql.at(self.schema, "secrets"), after, limit)]

    async def differences(self, rows: Sequence[GatewayRow]) -> list[RowChange]:
        """Which rows are not as they should be. Writes and locks nothing."""
        async with self._driver() as driver:
            return _changes(await driver.fetch(sql.at(self.schema, "differences"), *columns(rows)))

    async def compared(self, rows: Sequence[GatewayRow]) -> dict[str, Compared]:
        """Every row by its id, whatever times somebody wrote. An expected hash of None matches any hash."""
        async with self._driver() as driver:
            found = await driver.fetch(sql.at(self.schema, "compared"), *columns(rows))
        return {
            row["public_id"]: Compared(row["public_id"], row["is_absent"], row["hash"], tuple(row["columns"]))
            for row in found
        }

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Write]:
        """Be the only writer until the block ends. Writes take effect when the block has ended.

        Read the state to write inside the block. The function it yields makes rows what they should be, in one
        statement, and returns those that differed.
        """
        async with self._driver() as driver, transaction(driver):
            await driver.execute(_LIMITS + TAKE_LOCK)

            async def write(rows: Sequence[GatewayRow]) -> list[RowChange]:
                # Translated here as well: errors of the block itself are not the gateway's.
                with translated(self.schema):
                    return await upsert(driver, self.schema, rows)

            yield write

    async def is_large(self, rows: int = 1000) -> bool:
        """Whether the table has so many rows that a lookup without an index is noticeable."""
        async with self._driver() as driver:
            return bool(await driver.fetchval(sql.at(self.schema, "large"), rows))

    @asynccontextmanager
    async def _driver(self) -> AsyncIterator[Any]:
        with translated(self.schema):
            async with asyncio.timeout(_ANSWER_S), connected(self.engine) as connection:
                yield await driver_of(connection)


async def upsert(driver: Any, schema: str, rows: Sequence[GatewayRow]) -> list[RowChange]:
    """Make rows what they should be, in the connection's transaction; returns those that differed."""
    return _changes(await driver.fetch(sql.at(schema, "upsert"), *columns(rows))) if rows else []


def _changes(rows: Sequence[Any]) -> list[RowChange]:
    return [RowChange(row["public_id"], row["is_new"], row["without_hash"], tuple(row["columns"])) for row in rows]


def _faults(types: dict[str, str], required: Sequence[str], *, is_unique: bool) -> list[str]:
    found = [f"it has no column {name}" for name in _TYPES if name not in types]
    found += [
        f"{name} is {types[name]}, not {wanted}" for name, wanted in _TYPES.items() if types.get(name, wanted) != wanted
    ]
    found += [f"{name} is required, and unknown to this version" for name in required if name not in _TYPES]
    if not is_unique and "public_id" in types:
        found.append("public_id is not unique")
    return found
