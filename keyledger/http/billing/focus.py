"""GET /billing/focus: a period as CSV in FOCUS columns."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import Field

from keyledger.http.answer.answers import position_headers
from keyledger.http.answer.problem import documented
from keyledger.http.billing.csv_answer import CSV
from keyledger.http.billing.focus_csv import COLUMNS, to_focus_csv
from keyledger.http.billing.usage import checked, limits_of, wait_until_applied
from keyledger.http.dependencies import OF_CALLERS, BillReader, Services
from keyledger.http.reads import Reads
from keyledger.http.request.field_types import Instant
from keyledger.http.request.query_params import KnownAt, Strict, UsageKnownAt, WaitForPosition
from projections.billing.focus import FOCUS_BY, focus_report
from projections.billing.query import BillQuery
from projections.errors import TooManyLines
from registry.errors import FieldFault, FieldsRefused

_DOCUMENTED: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "content": {
            CSV: {
                "schema": {
                    "type": "string",
                    "description": "RFC 4180, with a header; an empty field is null",
                    "examples": [",".join(COLUMNS) + "\r\n"],
                }
            }
        }
    }
}

_POSITIONS: Final = ("known_at", "usage_known_at", "wait_for")

router = APIRouter(prefix="/billing", tags=["billing"], dependencies=OF_CALLERS)


class FocusQuestion(Strict):
    """A period, by what the log held."""

    since: Instant = Field(description="inclusive", examples=["2026-03-01T00:00:00Z"])
    until: Instant = Field(description="exclusive", examples=["2026-04-01T00:00:00Z"])
    known_at: KnownAt = None
    usage_known_at: UsageKnownAt = None
    wait_for: WaitForPosition = None


@router.get("/focus", response_class=Response, responses={**_DOCUMENTED, **documented(409, 422)})
async def export_focus(
    services: Services, reads: Reads, _principal: BillReader, query: Annotated[FocusQuestion, Query()]
) -> Response:
    """Export a period as CSV in the columns of FOCUS 1.4.

    There is a row for each day (UTC), key, tags, model, provider, price and currency. Charges are those of the bill.
    """
    asked = BillQuery(FOCUS_BY, query.since, query.until, query.known_at, usage_known_at=query.usage_known_at)
    question = checked(asked, [])
    applied = await wait_until_applied(services, {name: getattr(query, name) for name in _POSITIONS})

    async def work(there: Services) -> Response:
        try:
            made = await focus_report(there.clickhouse, there.names, question, applied.position, limits_of(there))
        except TooManyLines as error:
            raise FieldsRefused(FieldFault("until", str(error))) from error
        text = to_focus_csv(made, question, str(applied.log_id))
        headers = position_headers(applied.position)
        return Response(text.encode(), media_type=f"{CSV}; charset=utf-8; header=present", headers=headers)

    return await reads.bill(work)
