"""Two bills side by side: this period with the one before, or the same as it was known before."""

from __future__ import annotations

from typing import Any, Final

from fastapi.responses import Response

from keyledger.client.call import Call
from keyledger.client.calls import compare_bills
from keyledger.client.errors import Refused
from keyledger.client.model.bills import BillComparison, Compared
from keyledger.console.bills.bills import ZONES, bill_or_progress, faults_of, is_free, refused_page
from keyledger.console.bills.columns import Column, columns_of
from keyledger.console.bills.periods import NoPeriod, Period, before, of_month, words, zone_of
from keyledger.console.bills.question import TIMES, Asked, BillQuestion
from keyledger.console.routing import LoggedIn, page_router
from keyledger.console.visit import Visit

router = page_router()
_MAX_ROWS: Final = 1_000
_SHOWN: Final = frozenset({"inferences", "cost_usd", "charges"})


@router.get("/bills/compare")
async def compare(visit: LoggedIn, asked: Asked, base_month: str = "", base_known_at: str = "") -> Response:
    """Every line that either bill has, with both and the difference. By default the base is the period before."""
    return await bill_or_progress(
        visit, "Two bills compared", _page(visit, asked, base_month.strip(), base_known_at.strip())
    )


async def _page(visit: Visit, asked: BillQuestion, base_month: str, base_known_at: str) -> Response:
    faults: Any = dict(asked.faults)
    try:
        if not faults:
            base = _base(asked, base_month, base_known_at)
            compared = await visit.ask(_call(asked, base, base_known_at))
    except NoPeriod as fault:
        faults[fault.field] = fault.message
    except Refused as refused:
        faults = faults_of(refused)
    given: dict[str, Any] = {"base_month": base_month, "base_known_at": base_known_at}
    if faults:
        return refused_page(visit, asked, faults, "bills/compare.html", **given, compared=None)
    return visit.page(
        "bills/compare.html",
        asked=asked,
        faults={},
        zones=ZONES,
        words=words,
        bill=None,
        links=is_free(visit),
        compared=compared,
        lines=_ordered(compared),
        columns=_columns(compared),
        by_time=any(name in TIMES for name in asked.group_by) and base is not None,
        **given,
    )


def _base(asked: BillQuestion, month: str, known_at: str) -> Period | None:
    """The period that is compared with; None where it is the same, as it was known before. Raises NoPeriod."""
    zone = zone_of(asked.time_zone)
    if month:
        return of_month(month, zone, "base_month")
    return None if known_at else before(asked.instants, zone)


def _call(asked: BillQuestion, base: Period | None, known_at: str) -> Call[BillComparison]:
    period: dict[str, Any] = {} if base is None else {"base_since": base.since, "base_until": base.until}
    return compare_bills(asked.call(), **period).asking(base_known_at=known_at or None)


def _ordered(compared: BillComparison) -> list[Any]:
    """The lines that differ most come first: by inferences, as money may be in several currencies."""
    lines = sorted(compared.lines, key=lambda line: -abs(line.difference.inferences))
    return lines[:_MAX_ROWS]


def _columns(compared: BillComparison) -> list[Column]:
    both: list[Compared] = [compared.total, *compared.lines]
    found = [one for line in both for one in (line.base, line.current, line.difference) if one is not None]
    return [column for column in columns_of(found) if column.figure in _SHOWN]
