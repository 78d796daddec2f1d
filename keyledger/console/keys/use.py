"""What a key used lately, and what that cost: a small bill of its own, by day and model."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from starlette.datastructures import QueryParams

from keyledger.client.call import Call
from keyledger.client.errors import ClientError, Problem, Refused
from keyledger.console.answers import text
from keyledger.console.bills.bills import is_free
from keyledger.console.bills.chart import chart_names, chart_of, figures_of
from keyledger.console.bills.periods import month_at, zone_of
from keyledger.console.bills.question import read_question
from keyledger.console.visit import Visit

T = TypeVar("T")
DAYS: Final = 30
# The rest of the page is not held up by what others ask of ClickHouse.
LOOK_S: Final = 3.0


async def recent_use(visit: Visit, public_id: str, now: datetime) -> str:
    """A part of the page: the bill of the last thirty days of UTC, today among them; empty for who may see no bill."""
    if not visit.may("billing:read"):
        return ""
    end = now.astimezone(UTC).date() + timedelta(days=1)
    period = {"since": (end - timedelta(days=DAYS)).isoformat(), "until": end.isoformat()}
    asked = read_question(QueryParams({**period, "group_by": "model", "key": public_id}), now)
    names = chart_names(asked.group_by, asked.instants)
    # All else in the question is right.
    bill, fault = await looked_at(visit, asked.call(names), "the creation of the key has not come to ClickHouse yet")
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


async def looked_at(visit: Visit, call: Call[T], refused: str | None = None) -> tuple[T | None, str | None]:
    """What the call asks for, or why that is not known now; `refused` says it where the API refuses the question."""
    try:
        async with asyncio.timeout(LOOK_S):  # what is left is stopped
            return await visit.ask(call), None
    except TimeoutError:
        return None, f"it takes longer than {LOOK_S:g} s"
    except Refused as problem:
        return None, refused or problem.detail
    except ClientError as error:
        return None, error.detail if isinstance(error, Problem) else str(error)
