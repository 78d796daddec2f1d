"""Checks the usage journal: its entries against the rows that were taken, these against the gateway's rows, and both
against the anchors in the log.

What counts is pinned first, so a collector may go on meanwhile: rows that came since are nobody's fault. Memory does
not depend on the number of rows: days are summed, and only those that differ are looked at, slice by slice.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any, Final
from uuid import UUID

from audit.report import Expired, Finding
from audit.verify.journal_anchors import anchor_findings
from projections.engine.client import ClickHouse
from projections.engine.templates import Names, sql
from projections.usage.journal.day_sums import EntryDays, RowDays, complete, tables_and_parts
from projections.usage.journal.differing import Slice, differing, rows_differing, slices_of
from projections.usage.journal.expired import not_expired, oldest_rows
from projections.usage.journal.state import Journal
from projections.usage.tables import TABLES
from registry.instant import from_ms
from registry.progress import Progress

ENTRIES: Final = "usage_entry_v1"
ROWS: Final = "usage_row_v1"
_WHERE: Final = frozenset({ENTRIES, ROWS, *TABLES})
_NAMED: Final = 1000  # of a slice; the next verify names more, once these are mended
_REPAIR: Final = "keyledger audit verify --repair"
_GONE: Final = "find out who removed it, or load it again; --repair takes it out of bills, but of those of the past"
_OTHER: Final = "find out who changed it; --repair corrects the bills by it, never those of the past"

Part = Progress | Finding | Expired


def of_usage(findings: Iterable[Finding]) -> list[Finding]:
    """The findings that mending the journal may help."""
    return [one for one in findings if one.where in _WHERE]


class JournalCheck:
    """One check. Methods raise ClickHouseError."""

    def __init__(self, clickhouse: ClickHouse, names: Names, applied: int, bookmark: str) -> None:
        self._journal = Journal(clickhouse, names)
        self._names = names
        self._applied = applied
        self._bookmark = bookmark

    async def parts(self) -> AsyncIterator[Part]:
        """Report every fault, the progress, and what has expired at the gateway."""
        at = await complete(self._journal)
        entries, rows = EntryDays(self._journal, at), RowDays(self._journal)
        async for done, total in entries.read():
            yield self._progress("usage entries", done, total)
        for finding in await self._strange():
            yield finding
        for some in slices_of(entries.differing()):
            for finding in await self._entries(some, {**at.parameters}):
                yield finding
        async for done, total in rows.read():
            yield self._progress("usage rows", done, total)
        async for part in self._rows(rows):
            yield part
        for finding in await anchor_findings(self._journal, at.pinned, self._applied, entries.entries):
            yield finding

    def _progress(self, stage: str, done: int, total: int) -> Progress:
        return Progress(stage, done, total, self._bookmark)

    async def _strange(self) -> list[Finding]:
        found = await self._journal.clickhouse.query(sql("queries/journal/strange_batches", self._names))
        return [
            Finding("extra", ENTRIES, f"{entries} entries are of batch {batch}, which no collector began", _REPAIR)
            for batch, entries in found
        ]

    async def _entries(self, some: Slice, at: dict[str, Any]) -> list[Finding]:
        found = differing(self._names, "{take:UInt64}")
        statement = sql("queries/verify/journal_inferences_differing", self._names, differing=found)
        rows = await self._journal.clickhouse.query(statement, {**at, **some.parameters, "limit": _NAMED})
        return [_of_entries(*row) for row in rows]

    async def _rows(self, days: RowDays) -> AsyncIterator[Part]:
        slices = list(slices_of(days.differing()))
        if not slices:
            return
        oldest = await oldest_rows(self._journal)
        expired: dict[str, int] = {}
        for some in slices:
            # Twice: the tables of a statement are not opened at one moment, and rows come and are taken meanwhile.
            first = set(await self._rows_of("rows_differing", some, oldest))
            for row in await self._rows_of("rows_differing", some, oldest) if first else []:
                if row in first:
                    yield _of_row(*row)
            for table, count in await self._rows_of("rows_expired", some, oldest) if oldest else []:
                expired[table] = expired.get(table, 0) + count
        for table, count in sorted(expired.items()):
            yield Expired(table, count, from_ms(oldest[table]) if oldest[table] < 2**62 else None)

    async def _rows_of(self, name: str, some: Slice, oldest: dict[str, int]) -> list[tuple[Any, ...]]:
        statement = sql(
            f"queries/verify/journal_{name}",
            self._names,
            rows_differing=rows_differing(self._names, await tables_and_parts(self._journal)),
            not_expired=not_expired(self._names, oldest),
        )
        return await self._journal.clickhouse.query(statement, {**some.parameters, "limit": _NAMED})


def _of_entries(number: int, lacking: int, besides: int) -> Finding:
    kind = "changed" if lacking and besides else "missing" if lacking else "extra"
    has = [f"lack {lacking} that its rows give"] if lacking else []
    has += [f"have {besides} that its rows don't give"] if besides else []
    detail = f"the entries of the inference {UUID(int=number)} {' and '.join(has)}"
    return Finding(kind, ENTRIES, detail, _REPAIR)


def _of_row(source: str, number: int, kind: str, id_: int, lacking: int, besides: int) -> Finding:
    named = f"the inference {UUID(int=number)}"
    named = f"the row {UUID(int=id_)} of {named}" if kind == "model" else f"the row of {named}"
    if lacking and besides:
        return Finding("changed", source, f"{named} is not the one that the journal took", _OTHER)
    if besides:
        return Finding("missing", source, f"{named}, which the journal took, is not at the gateway", _GONE)
    return Finding("missing", ROWS, f"{named} in {source} was never taken, and its block counts as taken", _REPAIR)
