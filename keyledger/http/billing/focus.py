"""GET /billing/focus: a period in FOCUS columns, as CSV or Parquet."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import Field

from keyledger.http.answer.answers import position_headers
from keyledger.http.answer.problem import documented
from keyledger.http.billing.csv_answer import CSV, VARY, liked
from keyledger.http.billing.focus_csv import to_focus_csv
from keyledger.http.billing.focus_parquet import PARQUET, to_focus_parquet
from keyledger.http.billing.focus_rows import COLUMNS, FocusNames, focus_rows
from keyledger.http.billing.usage import checked, limits_of, wait_until_applied
from keyledger.http.dependencies import OF_CALLERS, BillReader, Services
from keyledger.http.reads import Reads
from keyledger.http.request.field_types import Instant
from keyledger.http.request.query_params import KnownAt, Strict, UsageKnownAt, WaitForPosition
from projections.billing.focus.corrections import corrections
from projections.billing.focus.report import FOCUS_BY, FocusReport, focus_report
from projections.billing.query import BillQuery
from projections.errors import TooManyLines
from registry.errors import FieldFault, FieldsRefused

# Parquet is no kind of the answer in the document: clients would be given text or bytes, and know neither.
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

_CORRECTED: Final = ("corrects_known_at", "corrects_usage_known_at")
_POSITIONS: Final = ("known_at", "usage_known_at", *_CORRECTED, "wait_for")
_KINDS: Final = (PARQUET, CSV)

router = APIRouter(prefix="/billing", tags=["billing"], dependencies=OF_CALLERS)


class FocusQuestion(Strict):
    """A period, by what the log held."""

    since: Instant = Field(description="inclusive", examples=["2026-03-01T00:00:00Z"])
    until: Instant = Field(description="exclusive", examples=["2026-04-01T00:00:00Z"])
    known_at: KnownAt = None
    usage_known_at: UsageKnownAt = None
    corrects_known_at: KnownAt = None
    corrects_usage_known_at: UsageKnownAt = None
    wait_for: WaitForPosition = None


@router.get("/focus", response_class=Response, responses={**_DOCUMENTED, **documented(409, 422)})
async def export_focus(
    services: Services,
    reads: Reads,
    _principal: BillReader,
    query: Annotated[FocusQuestion, Query()],
    request: Request,
) -> Response:
    """Export a period in the columns of FOCUS 1.4, as CSV.

    With `Accept: application/vnd.apache.parquet`, as Parquet. There is a row for each day (UTC), key, tags, model,
    provider, price and currency. Charges are those of the bill. With `corrects_known_at` and `corrects_usage_known_at`,
    which name what was invoiced, the rows correct it.
    """
    asked = BillQuery(FOCUS_BY, query.since, query.until, query.known_at, usage_known_at=query.usage_known_at)
    question, kind = checked(asked, []), liked(_KINDS, request.headers.get("accept"))
    invoiced = _invoiced(query, question)
    applied = await wait_until_applied(services, {name: getattr(query, name) for name in _POSITIONS})

    async def work(there: Services) -> Response:
        made = await _report(there, question, applied.position)
        if invoiced is not None:
            made = corrections(await _report(there, invoiced, applied.position), made)
        rows = focus_rows(made, question, str(applied.log_id), _names(there))
        headers = {**position_headers(applied.position), **VARY}
        if kind == PARQUET:
            return Response(to_focus_parquet(rows), media_type=PARQUET, headers=headers)
        return Response(to_focus_csv(rows), media_type=f"{CSV}; charset=utf-8; header=present", headers=headers)

    return await reads.bill(work)


def _invoiced(query: FocusQuestion, question: BillQuery) -> BillQuery | None:
    """The question of the report that is corrected. Raises FieldsRefused where it is named by half."""
    positions = {name: getattr(query, name) for name in _CORRECTED}
    missing = [name for name, position in positions.items() if position is None]
    if len(missing) == len(positions):
        return None
    if missing:
        raise FieldsRefused(*(FieldFault(name, "is required: both say what was invoiced") for name in missing))
    return replace(question, known_at=query.corrects_known_at, usage_known_at=query.corrects_usage_known_at)


async def _report(services: Services, question: BillQuery, applied_position: int) -> FocusReport:
    limits = limits_of(services)
    try:
        return await focus_report(services.clickhouse, services.names, question, applied_position, limits)
    except TooManyLines as error:
        raise FieldsRefused(FieldFault("until", str(error))) from error


def _names(services: Services) -> FocusNames:
    settings = services.settings
    return FocusNames(settings.focus_issuer, settings.focus_sub_account_tag, settings.focus_sub_account_name_tag)
