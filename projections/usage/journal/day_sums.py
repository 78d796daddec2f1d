"""Compares the days of the journal by sums and hashes: entries with the rows taken, and these with the gateway's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from projections.engine.templates import sql
from projections.usage.journal.differing import (
    BETWEEN,
    SLICE_ROWS,
    line_digest,
    of_days,
    of_parts,
)
from projections.usage.journal.gateway_rows import ADAPTER, rows_of
from projections.usage.journal.lines import lines, rows_in_force
from projections.usage.journal.parts import Ledger, Part
from projections.usage.journal.state import LAST_NUMBER, Journal, Pinned
from projections.usage.tables import TABLES

_TAKE: Final = "{take:UInt64}"
_NOTHING: Final = (0, 0)
Step = tuple[int, int]  # rows done, of how many
Days = dict[int, tuple[int, int]]  # how many rows or lines a day has, and the sum of their hashes


@dataclass(frozen=True, slots=True)
class Complete:
    """The last batch that left no row of the inserts up to `take` out."""

    pinned: Pinned
    take: int

    @property
    def parameters(self) -> dict[str, Any]:
        """As parameters of a statement."""
        return {**self.pinned.parameters, "take": self.take}


async def complete(journal: Journal) -> Complete:
    """What can be compared now, whatever a collector does meanwhile. Raises ClickHouseError."""
    pinned = await journal.pinned()
    found = await journal.clickhouse.query(sql("queries/journal/complete", journal.names), {"last_number": LAST_NUMBER})
    batch, take = found[0] if found else (0, 0)
    return Complete(replace(pinned, batch=batch), take)


class EntryDays:
    """The days of entries, and of the lines that they should be. Methods raise ClickHouseError."""

    def __init__(self, journal: Journal, at: Complete) -> None:
        self._journal = journal
        self._at = at
        self.entries: Days = {}
        self.lines: Days = {}

    async def read(self) -> AsyncIterator[Step]:
        """Read all, and say after each step how far it is."""
        names = self._journal.names
        statement = of_days(names, "entry_days", digest=line_digest("e.sign"))
        self.entries = _days(await self._journal.clickhouse.query(statement, self._at.parameters))
        numbers = f"SELECT r.number FROM {names.journal}.usage_row_v1 AS r WHERE {BETWEEN}"  # noqa: S608 - a checked identifier
        statement = of_days(names, "line_days", digest=line_digest(), lines=lines(names, _TAKE, numbers))
        async for step in _slices(self._journal, statement, self._at, self.lines):
            yield step

    def differing(self) -> dict[int, int]:
        """The days that differ, and about how many lines each has."""
        return _differing(self.entries, self.lines)


class RowDays:
    """The days of the rows that the gateway has in parts that were taken, and of those taken and in force."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.gateway: Days = {}
        self.journal: Days = {}

    async def read(self) -> AsyncIterator[Step]:
        """Read all, and say after each step how far it is. Raises ClickHouseError."""
        parts = await taken_parts(self._journal)
        at = Complete(Pinned(0), (await self._journal.state()).take)
        done, total = 0, sum(part.rows for part in parts)
        for part in parts:
            for first in range(0, part.rows, SLICE_ROWS):
                which = f"{of_parts([part.name])} AND _part_offset >= {first} AND _part_offset < {first + SLICE_ROWS}"
                rows = rows_of(self._journal.names, part.table, which)
                statement = of_days(self._journal.names, "gateway_days", rows=rows)
                _add(self.gateway, await self._journal.clickhouse.query(statement))
                done += min(SLICE_ROWS, part.rows - first)
                yield done, total
        names = self._journal.names
        fingerprint = sql(f"{ADAPTER}/rows/taken_fingerprint", names).strip()
        rows = rows_in_force(names, _TAKE, BETWEEN)
        statement = of_days(names, "taken_days", rows=rows, taken_fingerprint=fingerprint)
        async for step in _slices(self._journal, statement, at, self.journal):
            yield step

    def differing(self) -> dict[int, int]:
        """The days that differ, and about how many rows each has. Rows taken twice make one differ, too."""
        return _differing(self.gateway, self.journal)


async def taken_parts(journal: Journal) -> list[Part]:
    """The parts of the gateway's tables all of whose blocks count as taken."""
    ledger = Ledger(await journal.taken())
    return [part for part in await journal.parts() if not ledger.of(part.place).lacks(part)]


async def tables_and_parts(journal: Journal) -> dict[str, list[str]]:
    """The gateway's tables that there are, each with its parts that count as taken."""
    parameters = {"gateway": journal.names.gateway, "tables": list(TABLES)}
    found = await journal.clickhouse.query(sql("queries/journal/tables_there", journal.names), parameters)
    tables: dict[str, list[str]] = {table: [] for (table,) in found}
    for part in await taken_parts(journal):
        tables[part.table].append(part.name)
    return tables


async def _slices(journal: Journal, statement: str, at: Complete, days: Days) -> AsyncIterator[Step]:
    """Sum the days of all rows taken, one slice of inferences after another."""
    counted = f"SELECT count() FROM {journal.names.journal}.usage_row_v1"  # noqa: S608 - a checked identifier
    ((total,),) = await journal.clickhouse.query(counted)
    if not total:
        return
    since, done, bound = 0, 0, sql("queries/journal/slice_bound", journal.names)
    while True:
        found = await journal.clickhouse.query(bound, {"since_number": since, "rows": SLICE_ROWS})
        until = int(found[0][0]) if found else LAST_NUMBER
        between = {"since_number": since, "until_number": until}
        _add(days, await journal.clickhouse.query(statement, {**at.parameters, **between}))
        done = min(done + SLICE_ROWS, total)
        yield (done if found else total), total
        if not found or until == LAST_NUMBER:
            return
        since = until + 1


def _days(rows: list[tuple[Any, ...]]) -> Days:
    return {day: (int(count), int(digest)) for day, count, digest in rows}


def _add(days: Days, rows: list[tuple[Any, ...]]) -> None:
    for day, (count, digest) in _days(rows).items():
        before = days.get(day, (0, 0))
        days[day] = (before[0] + count, (before[1] + digest) % 2**64)


def _differing(one: Mapping[int, tuple[int, int]], other: Mapping[int, tuple[int, int]]) -> dict[int, int]:
    pairs = {day: (one.get(day, _NOTHING), other.get(day, _NOTHING)) for day in one.keys() | other.keys()}
    return {day: max(abs(a[0]), abs(b[0])) for day, (a, b) in pairs.items() if a != b}
