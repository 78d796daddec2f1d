"""What corrects an earlier report of a period: it less what is known now, as a ledger books it. Pure, and exact."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from projections.billing.figures import Figures
from projections.billing.focus.report import FocusLine, FocusReport
from projections.billing.side_by_side import difference


def corrections(invoiced: FocusReport, current: FocusReport) -> FocusReport:
    """The lines that, added to those of the invoiced report, give the current one. Both are of the same period.

    What is on both counts by its difference, and has no line where there is none.
    """
    lines = sorted(_differences(invoiced, current), key=lambda line: line.order)
    return replace(current, lines=lines, corrections=True)


def _differences(invoiced: FocusReport, current: FocusReport) -> Iterator[FocusLine]:
    was, now = ({line.identity: line for line in report.lines} for report in (invoiced, current))
    for identity, line in {**was, **now}.items():
        old, new = was.get(identity), now.get(identity)
        changed = difference(old.figures if old else None, new.figures if new else None)
        if _is_something(changed):
            yield replace(line, figures=changed)


def _is_something(figures: Figures) -> bool:
    counts = (value for value in vars(figures).values() if not isinstance(value, tuple))
    return any(counts) or any(one.amount for one in figures.charges)
