"""Checks the usage journal against the anchors in the log: the sums of each day at the batch of each anchor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from audit.report import Finding
from projections.billing.statement.scope import Scope
from projections.usage.journal.anchoring import SOURCE, with_days
from projections.usage.journal.day_sums import Days
from projections.usage.journal.differing import DAY_MS, slices_of
from projections.usage.journal.state import Journal, Pinned
from registry.usage.days import day_text
from registry.usage.events import usage_stream

_WHERE: Final = "usage_entry_v1"
_LAST_DAY: Final = 4_000_000  # later than any id can name
_AT_ONCE: Final = 2_000_000
_FIX: Final = (
    "find out who changed the journal: --repair corrects what bills say now by entries that it adds, but what was "
    "known at that position comes back only with a backup of the tables usage_…"
)
_NOTHING: Final = (
    "(toUInt64(0), toUInt64(0), toUInt64(0), toUInt64(0), toUInt64(0), toUInt64(0), toDecimal128(0, 9), toUInt128(0))"
)


async def anchor_findings(journal: Journal, pinned: Pinned, applied: int, days: Days) -> list[Finding]:
    """The first anchor of each day that is not what the entries give, up to the position `applied`."""
    of_journal = Scope(journal.names).sql("bill/of_journal").strip()
    statement = with_days("queries/verify/journal_anchored", journal.names, of_journal=of_journal, nothing=_NOTHING)
    parameters = {"source": SOURCE, "journal": str(await journal.id()), "anchored_by": applied, **pinned.parameters}
    found: list[Finding] = []
    for first, last in _ranges(days):
        bounds = {
            "first_day": first,
            "last_day": last,
            "since_ms": first * DAY_MS if first >= 0 else -1,
            "until_ms": (last + 1) * DAY_MS,
        }
        rows = await journal.clickhouse.query(statement, {**parameters, **bounds})
        found += [_finding(*row) for row in rows]
    return found


def _ranges(days: Days) -> Iterator[tuple[int, int]]:
    """All days there can be, in ranges of not too many entries; the first is that without an instant."""
    yield -1, -1
    first = 0
    counted = {day: lines for day, (lines, _) in days.items() if day >= 0}
    for some in slices_of(counted, _AT_ONCE):
        if some.slice == 0:
            yield first, some.days[-1]
            first = some.days[-1] + 1
    yield first, _LAST_DAY


def _finding(day: int, batch: int, position: int, rows_then: int, rows_now: int) -> Finding:
    name = "usage without an instant" if day < 0 else f"the day {day_text(day)}"
    differs = f"has {rows_now} rows, and {rows_then} were anchored" if rows_now != rows_then else "has other sums"
    detail = f"at batch {batch}, {name} {differs}"
    return Finding("changed", _WHERE, detail, _FIX, position, usage_stream(SOURCE))
