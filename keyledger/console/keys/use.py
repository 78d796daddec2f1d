"""What a key used lately, and what that cost: a small bill of its own, by day and model."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

from keyledger.client.errors import ClientError, Problem, Refused
from keyledger.client.model.bills import Bill
from keyledger.console.answers import text
from keyledger.console.bills.bills import is_free
from keyledger.console.bills.chart import chart_names, chart_of, figures_of
from keyledger.console.bills.periods import Period, month_at, zone_of
from keyledger.console.bills.question import BillQuestion
from keyledger.console.visit import Visit

DAYS: Final = 30
# The rest of the page is not held up by what others ask of ClickHouse.
LOOK_S: Final = 3.0


async def recent_use(visit: Visit, public_id: str, now: datetime) -> str:
    """A part of the page: the bill of the last thirty days of UTC, today among them; empty for who may see no bill."""
    if not visit.may("billing:read"):
        return ""
    asked = _question(public_id, now)
    names = chart_names(asked.group_by, asked.instants)
    bill, fault = await _bill(visit, asked, names)
    given: dict[str, Any] = {"asked": asked, "cost": bill, "cost_fault": fault, "days": DAYS, "visit": visit}
    if bill is not None:
        figure = figures_of(bill.total)[0]
        given |= {
            "links": is_free(visit),
            "year": asked.of_month(month_at(now, zone_of("UTC"))).year_address(),
            "figure": figure,
            "figures": [figure],
            "chart_names": names,
            "chart": chart_of(bill, figure) if bill.lines else None,
            "chart_fault": None,
        }
    return text("keys/use.html", **given)


async def _bill(visit: Visit, asked: BillQuestion, names: list[str]) -> tuple[Bill | None, str | None]:
    """The bill, or why there is none now."""
    try:
        async with asyncio.timeout(LOOK_S):  # what is left is stopped
            return await visit.ask(asked.call(names)), None
    except TimeoutError:
        return None, f"it takes longer than {LOOK_S:g} s"
    except Refused:  # all else in the question is right
        return None, "the creation of the key has not come to ClickHouse yet"
    except Problem as problem:
        return None, problem.detail
    except ClientError as error:
        return None, str(error)


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
