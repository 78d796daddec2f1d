"""A ledger that is made once and emptied for each test: two databases in ClickHouse with every object in them."""

from __future__ import annotations

import asyncio

from projections.engine import ddl
from projections.engine.client import ClickHouse, Row
from projections.engine.ddl import Names

_OBJECTS = """
SELECT
    database,
    name,
    create_table_query
FROM system.tables
WHERE database IN ({database:String}, {gateway:String})
ORDER BY
    database,
    name
"""
_FUNCTIONS = """
SELECT
    name,
    create_query
FROM system.functions
WHERE origin = 'SQLUserDefined'
ORDER BY name
"""
_WITH_ROWS = """
SELECT concat(database, '.', name)
FROM system.tables
WHERE database IN ({database:String}, {gateway:String}) AND engine LIKE '%MergeTree' AND total_rows != 0
"""
_LOADED = """
SELECT count()
FROM system.dictionaries
WHERE database = {database:String} AND status != 'NOT_LOADED'
"""


class PreparedLedger:
    """One pair of databases for tests that come one after another. `take` gives it as new: empty, all objects as made.

    What TRUNCATE does not reset is seen to: a changed or missing object has both databases rebuilt, the functions (the
    server has one of each, which the last ledger owns) and a dictionary that was loaded are replaced.
    """

    def __init__(self, clickhouse: ClickHouse, names: Names) -> None:
        self.names = names
        self._clickhouse = clickhouse
        self._statements = ddl.statements(names, gateway_tables=True)
        self._objects: list[Row] = []
        self._functions: list[Row] = []

    async def take(self) -> Names:
        """The databases, as `ddl.apply` leaves them."""
        if not self._objects or await self._query(_OBJECTS) != self._objects:
            await self._rebuild()
            return self.names
        await truncate(self._clickhouse, self.names)
        if await self._query(_LOADED) != [(0,)]:
            await self._replace("DICTIONARY")
        if await self._query(_FUNCTIONS) != self._functions:
            await self._replace("FUNCTION")
        return self.names

    async def drop(self) -> None:
        """Remove both databases, where they are."""
        for database in (self.names.database, self.names.gateway):
            await self._clickhouse.command(f"DROP DATABASE IF EXISTS {database}")

    async def _rebuild(self) -> None:
        await self.drop()
        await ddl.apply(self._clickhouse, self.names, gateway_tables=True, durable=False)
        self._objects, self._functions = await self._query(_OBJECTS), await self._query(_FUNCTIONS)

    async def _replace(self, kind: str) -> None:
        for statement in self._statements:
            if f"CREATE OR REPLACE {kind} " in statement:
                await self._clickhouse.command(statement)

    async def _query(self, sql: str) -> list[Row]:
        return await self._clickhouse.query(sql, _databases(self.names))


async def truncate(clickhouse: ClickHouse, names: Names) -> None:
    """Empty every table of both databases that has rows."""
    tables = await tables_with_rows(clickhouse, names)
    await asyncio.gather(*(clickhouse.command(f"TRUNCATE TABLE {table}") for table in tables))


async def tables_with_rows(clickhouse: ClickHouse, names: Names) -> list[str]:
    """The tables of both databases that have rows, as `database.table`."""
    return [table for (table,) in await clickhouse.query(_WITH_ROWS, _databases(names))]


def _databases(names: Names) -> dict[str, str]:
    return {"database": names.database, "gateway": names.gateway}
