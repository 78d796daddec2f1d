"""A ledger that is made once and emptied for each test: two databases in ClickHouse with every object in them."""

from __future__ import annotations

import asyncio

from projections.engine import ddl
from projections.engine.client import ClickHouse, Row
from projections.engine.ddl import Names

# A replaced, exchanged or altered object has another identity. The dictionary is replaced for each test anyway.
_OBJECTS = """
SELECT
    database,
    name,
    toString(uuid),
    metadata_modification_time,
    engine LIKE '%MergeTree' AND total_rows != 0
FROM system.tables
WHERE database IN ({database:String}, {gateway:String}) AND engine != 'Dictionary'
ORDER BY
    database,
    name
"""


class PreparedLedger:
    """One pair of databases for tests that come one after another. `take` gives it as new: empty, all objects as made.

    What TRUNCATE does not reset is seen to. When an object was changed, both databases are rebuilt. The dictionary may
    have been loaded, and the functions (a server has one of each) may be another ledger's: both are replaced.
    """

    def __init__(self, clickhouse: ClickHouse, names: Names) -> None:
        self.names = names
        self._clickhouse = clickhouse
        self._made: list[Row] = []
        self._replaced = [
            statement
            for statement in ddl.statements(names, gateway_tables=True)
            if "CREATE OR REPLACE DICTIONARY " in statement or "CREATE OR REPLACE FUNCTION " in statement
        ]

    async def take(self) -> Names:
        """The databases, as `ddl.apply` leaves them."""
        objects = await self._objects()
        if not objects or _identities(objects) != self._made:
            await self._rebuild()
            return self.names
        await _truncate(self._clickhouse, objects)
        for statement in self._replaced:
            await self._clickhouse.command(statement)
        return self.names

    async def drop(self) -> None:
        """Remove both databases, where they are."""
        for database in (self.names.database, self.names.gateway):
            await self._clickhouse.command(f"DROP DATABASE IF EXISTS {database}")

    async def _rebuild(self) -> None:
        await self.drop()
        await ddl.apply(self._clickhouse, self.names, gateway_tables=True, durable=False)
        self._made = _identities(await self._objects())

    async def _objects(self) -> list[Row]:
        return await _objects_of(self._clickhouse, self.names)


async def truncate(clickhouse: ClickHouse, names: Names) -> None:
    """Empty every table of both databases that has rows."""
    await _truncate(clickhouse, await _objects_of(clickhouse, names))


async def tables_with_rows(clickhouse: ClickHouse, names: Names) -> list[str]:
    """The tables of both databases that have rows, as `database.table`."""
    return _with_rows(await _objects_of(clickhouse, names))


async def _objects_of(clickhouse: ClickHouse, names: Names) -> list[Row]:
    return await clickhouse.query(_OBJECTS, {"database": names.database, "gateway": names.gateway})


async def _truncate(clickhouse: ClickHouse, objects: list[Row]) -> None:
    await asyncio.gather(*(clickhouse.command(f"TRUNCATE TABLE {table}") for table in _with_rows(objects)))


def _with_rows(objects: list[Row]) -> list[str]:
    return [f"{database}.{name}" for database, name, *_, has_rows in objects if has_rows]


def _identities(objects: list[Row]) -> list[Row]:
    return [row[:-1] for row in objects]
