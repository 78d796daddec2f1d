"""Loads gateway rows into the embedded engine: whole or not at all, and no value changed."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Final

from keyledger.embedded.load.columns import columns_of
from keyledger.embedded.load.errors import LoadError, words_about_a_file
from keyledger.embedded.load.reading import Reading
from keyledger.embedded.load.source import SETTINGS, open_source, unknown_in_json
from projections.engine.client import ClickHouse
from projections.engine.templates import Names
from projections.errors import ClickHouseRefused

TABLES: Final = ("ChatInference", "JsonInference", "ModelInference", "BatchIdByInferenceId")
# One load at a time: each goes through a table of its own name.
_LOADING: Final = asyncio.Lock()


def check_table(table: str) -> None:
    """Raise LoadError for a table that the gateway has not."""
    if table not in TABLES:
        raise LoadError(f"must be one of {', '.join(TABLES)}")


async def load_file(clickhouse: ClickHouse, names: Names, table: str, path: Path) -> int:
    """Load one file into a table of the gateway's database; answers with its number of rows.

    It is loaded whole or not at all, and no value is changed to fit. Loading it again is harmless to bills, which count
    an id once. Raises LoadError with the cause.
    """
    check_table(table)
    if not clickhouse.embedded:
        raise LoadError("files are loaded into the embedded engine alone: a server's own tools load into a server")
    async with _LOADING:
        try:
            return await _Load(clickhouse, names, table).run(path)
        except ClickHouseRefused as error:
            raise LoadError(words_about_a_file(error)) from error


class _Load:
    """One load: read strictly into a table of the same shape, and from there into the gateway's in one step."""

    def __init__(self, clickhouse: ClickHouse, names: Names, table: str) -> None:
        self._clickhouse = clickhouse
        self._names, self._table = names, table
        self._target = f"{names.gateway}.{table}"
        self._staged = f"{names.gateway}.loading_{table}"

    async def run(self, path: Path) -> int:
        await self._drop()
        try:
            await self._stage(path)
            ((rows,),) = await self._clickhouse.query(f"SELECT count() FROM {self._staged}")  # noqa: S608 - our own name
            await self._do(f"ALTER TABLE {self._target} ATTACH PARTITION ID 'all' FROM {self._staged}")
        finally:
            await self._drop()
        return int(rows)

    async def _stage(self, path: Path) -> None:
        columns = await columns_of(self._clickhouse, self._names.gateway, self._table)
        source = await open_source(self._clickhouse, path, columns)
        reading = Reading(source, columns, self._names)
        await self._do(f"CREATE TABLE {self._staged} AS {self._target}")
        statement = f"INSERT INTO {self._staged} ({', '.join(reading.filled)}) {reading.values()}"
        try:
            await self._clickhouse.command(statement, settings=SETTINGS)
        except ClickHouseRefused:
            with suppress(ClickHouseRefused):  # the file itself is broken: the first message says where
                await unknown_in_json(self._clickhouse, source, columns)
                await reading.explain(self._clickhouse)
            raise

    async def _do(self, sql: str) -> None:
        await self._clickhouse.command(sql)

    async def _drop(self) -> None:
        await self._do(f"DROP TABLE IF EXISTS {self._staged} SYNC")
