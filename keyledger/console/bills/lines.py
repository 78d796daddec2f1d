"""From a line of a bill to its inferences, and to one of them explained."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Query, Request
from fastapi.responses import Response

from keyledger.client.call import Call, path_of, query_of
from keyledger.client.calls import list_billed_inferences
from keyledger.client.errors import Refused
from keyledger.client.model.bills import BilledInference
from keyledger.console.addresses import filled, pages_of
from keyledger.console.bills.bills import BUCKETS, bill_or_progress
from keyledger.console.bills.columns import COUNTS, Column, columns_of
from keyledger.console.bills.periods import words
from keyledger.console.bills.question import Asked, BillQuestion
from keyledger.console.routing import LoggedIn, page_router
from keyledger.console.visit import Visit

router = page_router()
_PAGE: Final = 100
_EXPLAIN_S: Final = 330.0
_ELSEWHERE: Final = frozenset({"inferences", "charges"})


@router.get("/bills/inferences")
async def inferences(
    request: Request,
    visit: LoggedIn,
    asked: Asked,
    by: Annotated[list[str], Query()] = [],  # noqa: B006 - FastAPI copies it
    bucket: str = "keyed",
    cursor: str = "",
) -> Response:
    """The inferences behind a line, by page. All pages are as of the first."""
    return await bill_or_progress(visit, "Inferences", _page(request, visit, asked, filled(by), bucket, cursor))


async def _page(
    request: Request, visit: Visit, asked: BillQuestion, by: list[str], bucket: str, cursor: str
) -> Response:
    line = [(name, value if colon else None) for name, colon, value in (one.partition(":") for one in by)]
    fault, found = "; ".join(f"{name} {text}" for name, text in asked.faults.items()), None
    if not fault:
        names = () if asked.is_default else asked.group_by
        call = list_billed_inferences(asked.call(names), by=by, bucket=bucket, limit=_PAGE)
        try:
            found = await visit.ask(call.asking(cursor=cursor) if cursor else call)
        except Refused as refused:
            fault = "; ".join(f"{one.field} {one.message}" for one in refused.errors) or refused.detail
    items = list(found.items) if found else []
    return visit.page(
        "bills/inferences.html",
        422 if fault else 200,
        asked=asked,
        words=words,
        line=line,
        bucket=bucket,
        buckets=BUCKETS,
        fault=fault,
        items=items,
        columns=_columns(items),
        **pages_of(request, cursor, None if found is None else found.next_cursor),
    )


def _columns(items: list[BilledInference]) -> list[Column]:
    """The columns of one inference each: charges stand by their prices, and counts only where there are any."""
    found = [column for column in columns_of(items) if column.figure not in _ELSEWHERE]
    return [column for column in found if column.figure not in COUNTS or any(map(column.is_called_out, items))]


@router.get("/bills/explain/{inference_id}")
async def explain(visit: LoggedIn, inference_id: UUID, known_at: str = "") -> Response:
    """One inference: its rows, its tags with their events, its price, and the arithmetic. Raises Problem."""
    path = "/audit/explain" + path_of(str(inference_id))
    query = query_of(known_at=known_at.strip() or None)
    call: Call[Any] = Call("GET", path, Any, query, timeout_s=_EXPLAIN_S)
    found = await visit.ask(call)
    models = {one["id"]: one for one in found["models"]}
    return visit.page("bills/explain.html", found=found, models=models, buckets=BUCKETS, known_at=known_at.strip())
