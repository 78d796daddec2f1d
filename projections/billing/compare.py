"""What differs between two bills of the same period and usage: lines, total, coverage. Pure, and exact."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext

from projections.billing.bill import Bill
from projections.billing.figures import Figures, InBucket, Labelled, Line

Labels = Mapping[str, str | None]


@dataclass(frozen=True)
class Difference:
    """Figures before and after, None on a side without any, and by how much the money differs: after less before.

    A side without a cost adds none to the difference, which is None where neither side has one.
    """

    before: Figures | None
    after: Figures | None
    cost_usd: Decimal | None


@dataclass(frozen=True)
class LineDifference(Difference, Labelled):
    """A line that differs."""


@dataclass(frozen=True)
class BucketDifference(Difference, InBucket):
    """A bucket that differs."""


@dataclass(frozen=True)
class BillDifference:
    """What differs between two bills of one question; `total` is None where it is the same."""

    position: int
    since: datetime
    until: datetime
    group_by: tuple[str, ...]
    total: Difference | None
    coverage: list[BucketDifference]
    lines: list[LineDifference]
    late_lines: list[LineDifference]


def same_usage(before: Bill, after: Bill) -> bool:
    """Whether both bills saw the same rows of the gateway: only then is a difference one of the log."""
    return before.usage == after.usage


def compare(before: Bill, after: Bill) -> BillDifference:
    """The difference of two bills of one question."""
    return BillDifference(
        position=after.position,
        since=after.since,
        until=after.until,
        group_by=after.group_by,
        total=None if before.total == after.total else compare_figures(before.total, after.total),
        coverage=[
            BucketDifference(bucket=new.bucket, before=old.figures, after=new.figures, cost_usd=money_between(old, new))
            for old, new in zip(before.coverage, after.coverage, strict=True)
            if old != new
        ],
        lines=compare_lines(before.lines, after.lines),
        late_lines=compare_lines(before.late_lines, after.late_lines),
    )


def compare_lines(before: Sequence[Line], after: Sequence[Line]) -> list[LineDifference]:
    """The lines that differ, in the order of their values as on a bill."""
    return [
        LineDifference(by=by, before=_figures(was), after=_figures(now), cost_usd=money_between(was, now))
        for by, was, now in pairs_of(before, after)
        if was != now
    ]


def pairs_of(before: Sequence[Line], after: Sequence[Line]) -> Iterator[tuple[Labels, Line | None, Line | None]]:
    """Every line that either has, on both sides, in the order of their values as on a bill."""
    old, new = ({tuple(line.by.values()): line for line in lines} for lines in (before, after))
    for values in sorted({**old, **new}, key=lambda values: [(value is None, value or "") for value in values]):
        was, now = old.get(values), new.get(values)
        yield (now or old[values]).by, was, now


def compare_figures(before: Figures | None, after: Figures | None) -> Difference:
    """Figures, or none, side by side."""
    return Difference(_figures(before), _figures(after), money_between(before, after))


def _figures(of: Figures | None) -> Figures | None:
    return None if of is None else of.figures


def money_between(before: Figures | None, after: Figures | None) -> Decimal | None:
    """By how much the cost differs: after less before, None where neither side has one."""
    was, now = (None if of is None else of.cost_usd for of in (before, after))
    if was is None and now is None:
        return None
    with localcontext(prec=100):
        return (now or Decimal(0)) - (was or Decimal(0))
