"""GET /audit/export for auditors: the log as lines. GET /operator/audit/credentials for the operator alone."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field

from audit.archive.export import export_page
from audit.archive.secret_hashes import read_hashes
from keyledger.http.audit import operator_router, router
from keyledger.http.keys.keys import answer, needs
from keyledger.http.ndjson import MEDIA_TYPE
from keyledger.http.problem import POSITION_HEADER, documented
from keyledger.http.query_params import Strict
from keyledger.http.request_body import Whole
from keyledger.runtime.services import Services
from registry.auth import Principal
from registry.errors import FieldFault, FieldsRefused
from registry.log.event_log import EventLog

LOG_ID_HEADER = "Keyledger-Log-Id"
MAX_PAGE = 10_000


class ExportQuery(Strict):
    """Which part of the log."""

    after: Whole = Field(0, description="the position after which it begins: that of the last line you have")
    until: Whole | None = Field(None, description="the last position; the head of the log when not given")
    limit: Annotated[Whole, Field(ge=1, le=MAX_PAGE)] = Field(MAX_PAGE, description="how many lines at most")


@router.get(
    "/export",
    response_class=Response,
    responses={200: {"content": {MEDIA_TYPE: {}}}, **documented(422)},
)
async def export_log(
    request: Request, _principal: Annotated[Principal, needs("audit:read")], query: Annotated[ExportQuery, Query()]
) -> Response:
    """A page of the log: one event a line, as the topic carries it, each held to the chain before it is sent.

    A page ends at `limit` lines, or earlier when they are large; an empty one says that there is no more. Go on with
    `after`, the position of your last line.
    """
    log = _log(request)
    head, until = await _bounds(log, query)
    page = await export_page(log, until, query.after, query.limit)
    headers = {POSITION_HEADER: str(head), LOG_ID_HEADER: str(log.log_id), "Cache-Control": "no-store"}
    return Response(page, media_type=MEDIA_TYPE, headers=headers)


@operator_router.get("/credentials")
async def export_hashes(request: Request, query: Annotated[ExportQuery, Query()]) -> JSONResponse:
    """The hashes of the secrets that a page of the log commits to, and the position up to which they go."""
    services: Services = request.app.state.services
    log = _log(request)
    head, until = await _bounds(log, query)
    page = await read_hashes(log, services.engine, query.after, until, query.limit)
    content: dict[str, Any] = {"position": page.position, "items": msgspec.to_builtins(page.hashes)}
    return answer(content, head)


def _log(request: Request) -> EventLog:
    services: Services = request.app.state.services
    return services.registry.log


async def _bounds(log: EventLog, query: ExportQuery) -> tuple[int, int]:
    """The head, and the last position asked for. Raises FieldsRefused beyond the head."""
    head = (await log.head()).position
    until = head if query.until is None else query.until
    beyond = [
        FieldFault(field, f"is beyond the head of the log, {head}")
        for field, value in (("after", query.after), ("until", until))
        if value > head
    ]
    if beyond:
        raise FieldsRefused(*beyond, position=head)
    return head, until
