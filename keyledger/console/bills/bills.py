"""The bill of a period: its lines, its days, what it covers, and what is not as it should be."""

from __future__ import annotations

import re
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from fastapi import Request
from fastapi.responses import Response
from starlette.datastructures import QueryParams

from keyledger.client.errors import Refused, problem_of
from keyledger.client.model.bills import Bill
from keyledger.console.addresses import within
from keyledger.console.answers import NOT_STORED
from keyledger.console.bills.chart import chart_names, chart_of, figures_of
from keyledger.console.bills.charts import whole
from keyledger.console.bills.columns import columns_of
from keyledger.console.bills.periods import has_both, month_after, words
from keyledger.console.bills.question import Asked, BillQuestion, read_question
from keyledger.console.routing import LoggedIn, page_router
from keyledger.console.visit import Visit
from keyledger.console.waiting import page_or_progress

router = page_router()
# More rows make a page that nobody reads; the CSV has all.
_MAX_ROWS: Final = 1_000
# Each bucket's colour, and what is in it.
BUCKETS: Final = {
    "keyed": ("f2", "on the lines of the bill"),
    "outside_key_life": ("f4", "used a key before it was created, after its end, or while it was suspended"),
    "unknown_key": ("f1", "with a key that the log does not know: it was made outside the registry"),
    "unkeyed": ("f6", "without a key: the gateway asked for none"),
    "orphan": ("f3", "model rows whose inference is missing"),
    "batch": ("f5", "of batch requests, whose key tag is not the gateway's word"),
    "bad_id": ("f7", "with an id that says no instant: shown whole in every bill"),
}
ZONES: Final = (
    "UTC",
    "Europe/London",
    "Europe/Berlin",
    "Europe/Paris",
    "America/New_York",
    "America/Chicago",
    "America/Los_Angeles",
    "America/Sao_Paulo",
    "Asia/Kolkata",
    "Asia/Shanghai",
    "Asia/Tokyo",
    "Australia/Sydney",
)
_CSV_HEADERS: Final = ("content-type", "keyledger-position", "keyledger-formula-values", "keyledger-rounding")


@router.get("/bills")
async def bills(visit: LoggedIn, asked: Asked, figure: str = "") -> Response:
    """The bill of the question in the address. Without one it is this month's, by customer."""
    if asked.faults:
        return refused_page(visit, asked, asked.faults)
    return await bill_or_progress(visit, "Bills", _page(visit, asked, figure))


@router.get("/bills/stopped")
async def stopped(visit: LoggedIn, page: str = "") -> Response:
    """The form of a question whose page of bills somebody did not wait for, and the way back to that page."""
    page = within(page)
    asked = read_question(QueryParams(urlsplit(page).query), datetime.now(UTC))
    return form_page(visit, asked, stopped=page)


async def bill_or_progress(visit: Visit, title: str, page: Coroutine[Any, Any, Response]) -> Response:
    """A page of bills, or how far that is. See page_or_progress."""
    url = visit.request.url
    leave = f"/console/bills/stopped?{urlencode({'page': f'{url.path}?{url.query}'})}"
    return await page_or_progress(visit, page, title=title, leave=leave)


async def _page(visit: Visit, asked: BillQuestion, figure: str) -> Response:
    try:
        asked, bill, by_time = await _answered(visit, asked)
    except Refused as refused:
        return refused_page(visit, asked, faults_of(refused))
    return visit.page(
        "bills/bills.html",
        asked=asked,
        faults={},
        zones=ZONES,
        words=words,
        bill=bill,
        shown=bill.lines[:_MAX_ROWS],
        columns=columns_of([bill.total, *bill.lines, *bill.late_lines]),
        coverage=_coverage(bill),
        buckets=BUCKETS,
        late=_late(bill),
        links=is_free(visit),
        months=_months(asked),
        pinned=_pinned(asked, bill),
        **_chart(asked, bill, by_time, figure),
    )


@router.get("/bills.csv")
async def bills_csv(visit: LoggedIn, asked: Asked, request: Request) -> Response:
    """The lines as the API gives them in CSV, to be saved. Raises Problem."""
    if asked.faults:
        return refused_page(visit, asked, asked.faults)
    query: dict[str, Any] = {**asked.call().query}
    if request.query_params.get("round") == "true":
        query["round"] = "true"
    answer = await visit.client.http.get("/billing/usage", params=query, headers={"Accept": "text/csv"})
    if answer.status_code >= 400:
        raise problem_of(answer.status_code, answer.headers, answer.content)
    kept = {name: answer.headers[name] for name in _CSV_HEADERS if name in answer.headers}
    return Response(
        answer.content,
        headers={
            **NOT_STORED,
            **kept,
            "Content-Disposition": f'attachment; filename="{_file_name(asked)}"',
        },
    )


def faults_of(refused: Refused) -> dict[str, str]:
    """What is wrong, by the form's fields; what is of none of them, under the field that it names."""
    return {field.partition(".")[0]: text for field, text in refused.messages().items()} or {"": refused.detail}


def is_free(visit: Visit) -> bool:
    """Whether the person may see what is behind a bill: who is confined sees the bill alone."""
    return visit.session.principal.confined_to is None


def refused_page(
    visit: Visit, asked: BillQuestion, faults: Mapping[str, str], template: str = "bills/bills.html", **given: Any
) -> Response:
    """The form as it was filled in, with what is wrong about it."""
    return form_page(visit, asked, template, 422, faults=faults, **given)


def form_page(
    visit: Visit, asked: BillQuestion, template: str = "bills/bills.html", status: int = 200, **given: Any
) -> Response:
    """The form as it was filled in, without a bill."""
    known: dict[str, Any] = {"faults": asked.faults, "stopped": None, **given}
    return visit.page(template, status, asked=asked, zones=ZONES, bill=None, links=is_free(visit), **known)


async def _answered(visit: Visit, asked: BillQuestion) -> tuple[BillQuestion, Bill, Bill | str]:
    """The question, the bill that answers it, and the one of its chart. Raises Refused.

    Without customers it is not by customer, where nobody asked so.
    """
    try:
        return asked, *await _bills(visit, asked)
    except Refused as refused:
        if not asked.is_default or set(refused.messages()) != {"group_by"}:
            raise
    asked = replace(asked, group_by=())
    return asked, *await _bills(visit, asked)


async def _bills(visit: Visit, asked: BillQuestion) -> tuple[Bill, Bill | str]:
    """The bill, and the one of its chart, or why there is none. That one first: the server adds it up to the other."""
    names = chart_names(asked.group_by, asked.instants)
    try:
        by_time: Bill | str = await visit.ask(asked.call(names))
    except Refused as refused:  # a bill by day can have too many lines
        by_time = refused.detail
    if isinstance(by_time, Bill) and names == list(asked.group_by):
        return by_time, by_time
    return await visit.ask(asked.call()), by_time


def _chart(asked: BillQuestion, bill: Bill, by_time: Bill | str, key: str) -> dict[str, Any]:
    """What the template draws, or why it draws nothing."""
    figures = figures_of(bill.total)
    figure = next((one for one in figures if one.key == key), figures[0])
    given = {"figures": figures, "figure": figure, "chart_names": chart_names(asked.group_by, asked.instants)}
    if not bill.lines:
        return {**given, "chart": None, "chart_fault": None}
    if isinstance(by_time, str):
        return {**given, "chart": None, "chart_fault": by_time}
    return {**given, "chart": chart_of(by_time, figure), "chart_fault": None}


def _coverage(bill: Bill) -> list[Any]:
    counts = {one.bucket: one.inferences for one in bill.coverage}
    looks = {name: look for name, (look, _) in BUCKETS.items()}
    return whole({name: counts[name] for name in BUCKETS if name in counts}, looks)


def _late(bill: Bill) -> int | None:
    """How many inferences are late; None where late lines can't say, as one inference can be on several of them."""
    if not bill.tag:
        return next((one.inferences for one in bill.coverage if one.bucket == "outside_key_life"), 0)
    if {"model", "provider"} & set(bill.group_by):
        return None
    return sum(line.inferences for line in bill.late_lines)


def _months(asked: BillQuestion) -> tuple[str, str] | None:
    """The months before and after; None where the period is none."""
    return (month_after(asked.month, -1), month_after(asked.month)) if asked.month and has_both(asked.month) else None


def _pinned(asked: BillQuestion, bill: Bill) -> str | None:
    """The address under which this bill never changes; None where some usage has no anchor, or it has it already."""
    anchored_at = bill.usage.anchored_at
    if anchored_at is None or (asked.known_at and asked.usage_known_at):
        return None
    known_at = bill.position if bill.known_at is None else bill.known_at
    return asked.address(known_at=str(known_at), usage_known_at=str(anchored_at))


def _file_name(asked: BillQuestion) -> str:
    period = asked.month or f"{asked.instants.since:%Y-%m-%d}-{asked.instants.until:%Y-%m-%d}"
    names = re.sub(r"[^A-Za-z0-9_.-]+", "-", "-".join(asked.group_by))[:80]
    key = re.sub(r"[^A-Za-z0-9]+", "", asked.key)[:12]
    return f"bill-{period}{'-of-key-' if key else ''}{key}{'-by-' if names else ''}{names}.csv"
