"""Two bills side by side: every line that either has, and by how much each figure differs. Pure, and exact.

What is not on a bill counts as nothing. A side without a cost adds none to the difference of costs, which is None where
neither side has one: so the differences of lines add up to that of the total.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext
from typing import Any

from projections.billing.bill import Bill, Usage
from projections.billing.compare import money_between, pairs_of
from projections.billing.figures import FIGURES, Charge, Figures, Labelled, Line


@dataclass(frozen=True)
class Compared:
    """Figures of both bills, None where a bill has none, and what they differ by: current less base."""

    base: Figures | None
    current: Figures | None
    difference: Figures


@dataclass(frozen=True)
class ComparedLine(Compared, Labelled):
    """A line of both bills, or of one."""


@dataclass(frozen=True)
class ComparedBill:
    """Which bill was compared: what it says but for its lines and sums."""

    position: int
    known_at: int | None
    usage_known_at: int | None
    since: datetime
    until: datetime
    time_zone: str
    tzdata_version: str | None
    group_by: tuple[str, ...]
    tag: tuple[str, ...]
    key: str | None
    usage: Usage


@dataclass(frozen=True)
class BillComparison:
    """Two bills by the same names; `lines` in the order of a bill."""

    base: ComparedBill
    current: ComparedBill
    lines: list[ComparedLine]
    total: Compared


def side_by_side(base: Bill, current: Bill) -> BillComparison:
    """The comparison of two bills that are grouped by the same names."""
    return BillComparison(
        base=_about(base),
        current=_about(current),
        lines=compared_lines(base.lines, current.lines),
        total=Compared(base.total, current.total, difference(base.total, current.total)),
    )


def compared_lines(base: Sequence[Line], current: Sequence[Line]) -> list[ComparedLine]:
    """Every line that either side has, in the order of a bill."""
    return [
        ComparedLine(by=by, base=_figures(was), current=_figures(now), difference=difference(was, now))
        for by, was, now in pairs_of(base, current)
    ]


def difference(base: Figures | None, current: Figures | None) -> Figures:
    """Every figure of the current side less that of the base."""
    found: dict[str, Any] = {
        name: _count(current, name) - _count(base, name) for name in FIGURES if name not in ("cost_usd", "charges")
    }
    return Figures(**found, cost_usd=money_between(base, current), charges=_charges(base, current))


def _charges(base: Figures | None, current: Figures | None) -> tuple[Charge, ...]:
    was, now = ({one.currency: one.amount for one in of.charges} if of else {} for of in (base, current))
    nothing = Decimal(0)
    with localcontext(prec=100):
        return tuple(
            Charge(currency, now.get(currency, nothing) - was.get(currency, nothing))
            for currency in sorted({**was, **now})
        )


def _count(of: Figures | None, name: str) -> int:
    return 0 if of is None else int(getattr(of, name))


def _figures(of: Figures | None) -> Figures | None:
    return None if of is None else of.figures


def _about(bill: Bill) -> ComparedBill:
    return ComparedBill(**{name: getattr(bill, name) for name in ComparedBill.__dataclass_fields__})
