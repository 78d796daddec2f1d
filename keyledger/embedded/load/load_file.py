"""Loads gateway rows into the embedded engine: whole or not at all, no value changed, and no row twice."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from keyledger.embedded.load.batches import Batches, Engine, Load, Step, check_embedded
from keyledger.embedded.load.columns import columns_of
from keyledger.embedded.load.errors import LoadError, words_about_a_file
from keyledger.embedded.load.reading import Reading
from keyledger.embedded.load.source import SETTINGS, open_source, unknown_in_json
from keyledger.embedded.load.tables import Table, check_table, listed
from keyledger.embedded.load.turn import in_turn
from keyledger.embedded.load.unload import settle_now
from projections.errors import ClickHouseDamaged, ClickHouseError, ClickHouseRefused, ProjectionError
from registry.instant import from_ms


@dataclass(frozen=True)
class Found:
    """What a file has, compared with what is there.

    `new` rows are not there yet; `differing` of these have the id of a row that is there with other values. `since` and
    `until` are the first and the last instant of its inferences; `without_time` counts ids without one.
    """

    rows: int
    new: int
    differing: int
    since: datetime | None
    until: datetime | None
    without_time: int
    columns: list[str]


async def load_file(
    engine: Engine, table: str, path: Path, batch: str, at: datetime, *, dry_run: bool = False
) -> Found:
    """Load one file into a table of the gateway's database, as a part of a batch; `dry_run`: only say what it has.

    It is loaded whole or not at all, and no value is changed to fit. Rows that are there already are not loaded again.
    Raises LoadError with the cause.
    """
    check_table(table)
    check_embedded(engine.clickhouse)

    async def work() -> Found:
        await settle_now(engine)
        columns = tuple(await columns_of(engine.clickhouse, engine.names.gateway, table))
        try:
            return await _Loading(engine, Table(engine.names, table, columns)).run(path, batch, at, dry_run=dry_run)
        except (ClickHouseRefused, ClickHouseDamaged) as error:
            raise LoadError(words_about_a_file(error)) from error

    return await in_turn(work())


class _Loading:
    """One load: read strictly into a table of the same shape, compared, and moved into the gateway's in one step."""

    def __init__(self, engine: Engine, table: Table) -> None:
        self._engine = engine
        self._clickhouse = engine.clickhouse
        self._table = table
        self._staged, self._new = table.helper("staged"), table.helper("new")
        self._rows, self._there = table.helper("rows"), table.helper("there")

    async def run(self, path: Path, batch: str, at: datetime, *, dry_run: bool) -> Found:
        await self._drop()
        try:
            columns = await self._stage(path)
            found = await self._compare(columns)
            if not dry_run:
                await self._move(Load(batch, self._table.name, str(path), found.rows, found.new, at))
        finally:
            await self._drop()
        return found

    async def _stage(self, path: Path) -> list[str]:
        columns = await columns_of(self._clickhouse, self._table.names.gateway, self._table.name)
        source = await open_source(self._clickhouse, path, columns)
        reading = Reading(source, columns, self._table.names)
        await self._do(f"CREATE TABLE {self._staged} AS {self._table.target}")
        statement = f"INSERT INTO {self._staged} ({listed(reading.filled)}) {reading.values()}"
        try:
            await self._clickhouse.command(statement, settings=SETTINGS)
        except (ClickHouseRefused, ClickHouseDamaged):
            with suppress(
                ClickHouseRefused, ClickHouseDamaged
            ):  # the file itself is broken: the first message says where
                await unknown_in_json(self._clickhouse, source, columns)
                await reading.explain(self._clickhouse)
            raise
        return reading.filled

    async def _compare(self, columns: list[str]) -> Found:
        for table, rows in ((self._rows, "row_digests"), (self._there, "there")):
            await self._do(f"CREATE TABLE {table} ENGINE = MergeTree ORDER BY tuple() AS {self._table.sql(rows)}")
        ((rows, new, differing, first_ms, last_ms, without_time),) = await self._clickhouse.query(
            self._table.sql("compared")
        )
        since, until = (None if ms is None else from_ms(ms) for ms in (first_ms, last_ms))
        return Found(rows, new, differing, since, until, without_time, columns)

    async def _move(self, load: Load) -> None:
        """First what is held is recorded, then the rows come: what is recorded can be taken back."""
        batches = Batches(self._clickhouse, self._table.names)
        id_ = await batches.begin(load)
        claims = f"INSERT INTO {self._table.names.gateway}.load_row_v1 {self._table.sql('claims')}"
        try:
            await self._clickhouse.command(claims, {"load": str(id_), "table": load.table})
            new = await self._only_new(load)
            await self._do(f"ALTER TABLE {self._table.target} ATTACH PARTITION ID 'all' FROM {new}")
            await batches.step([id_], Step.LOADED)
        except ClickHouseError:
            with suppress(ProjectionError):  # else the next load or start takes it back
                await settle_now(self._engine)
            raise

    async def _only_new(self, load: Load) -> str:
        """The table that has the new rows alone: mostly that of all rows."""
        if load.new_rows == load.rows:
            return self._staged
        await self._do(f"CREATE TABLE {self._new} AS {self._table.target}")
        columns = listed(self._table.columns)
        is_there = self._table.is_one_of(f"SELECT id, digest FROM {self._there}")  # noqa: S608 - our own name
        rows = f"SELECT {columns} FROM {self._staged} WHERE NOT ({is_there})"  # noqa: S608 - as above
        await self._do(f"INSERT INTO {self._new} ({columns}) {rows}")
        return self._new

    async def _do(self, sql: str) -> None:
        await self._clickhouse.command(sql)

    async def _drop(self) -> None:
        for table in (self._staged, self._rows, self._there, self._new):
            await self._do(f"DROP TABLE IF EXISTS {table} SYNC")
