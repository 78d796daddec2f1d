"""What a key used lately, and what that cost: a small bill of its own, by day and model."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

from keyledger.client.errors import Problem, Refused
from keyledger.console.bills.bills import is_free
from keyledger.console.bills.chart import chart_names, chart_of, figures_of
from keyledger.console.bills.periods import Period, month_at, zone_of
from keyledger.console.bills.question import BillQuestion
from keyledger.console.visit import Visit

DAYS: Final = 30
# The rest of the page is not held up by what others ask of ClickHouse.
LOOK_S: Final = 3.0


async def recent_use(visit: Visit, public_id: str, now: datetime) -> dict[str, Any]:
    """What the template draws: the bill of the last thirty days of UTC, today among them; nothing where it may not be.

    `cost_fault` says why it is not known now.
    """
    if not visit.may("billing:read"):
        return {"cost": None, "cost_fault": None}
    asked = _question(public_id, now)
    names = chart_names(asked.group_by, asked.instants)
    unknown: dict[str, Any] = {"cost": None, "asked": asked}
    try:
        async with asyncio.timeout(LOOK_S):  # what is left is stopped
            bill = await visit.ask(asked.call(names))
    except TimeoutError:
        return {**unknown, "cost_fault": f"it takes longer than {LOOK_S:g} s"}
    except Refused:  # all else in the question is right
        return {**unknown, "cost_fault": "the creation of the key has not come to ClickHouse yet"}
    except Problem as problem:
        return {**unknown, "cost_fault": problem.detail}
    figure = figures_of(bill.total)[0]
    chart = chart_of(bill, figure) if bill.lines else None
    given = {"figure": figure, "figures": [figure], "chart_names": names, "chart": chart, "chart_fault": None}
    year = asked.of_month(month_at(now, zone_of("UTC"))).year_address()
    return {
        "cost": bill,
        "cost_fault": None,
        "asked": asked,
        "days": DAYS,
        "links": is_free(visit),
        "year": year,
        **given,
    }


def _question(public_id: str, now: datetime) -> BillQuestion:
    end = datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time(), UTC)
    since = end - timedelta(days=DAYS)
    return BillQuestion(
        month="",
        since=since.date().isoformat(),
        until=end.date().isoformat(),
        time_zone="UTC",
        group_by=("model",),
        is_default=False,
        tag=(),
        key=public_id,
        known_at="",
        usage_known_at="",
        period=Period(since, end),
    )
