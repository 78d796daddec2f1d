"""GET /audit/export: the log as lines."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import Field

from audit.archive.export import export_page
from keyledger.http.answer.answers import position_headers
from keyledger.http.answer.ndjson import MEDIA_TYPE, documented_lines
from keyledger.http.answer.problem import documented
from keyledger.http.dependencies import OF_CALLERS, Auditor, Registry
from keyledger.http.reads import Reads
from keyledger.http.request.field_types import WHOLE, Whole
from keyledger.http.request.query_params import Strict
from registry.errors import FieldFault, FieldsRefused
from registry.log.event_log import EventLog

LOG_ID_HEADER = "Keyledger-Log-Id"
MAX_PAGE = 10_000
_LINES = documented_lines(
    "One event a line, as a CloudEvent in JSON, in the order of positions.",
    '{"specversion": "1.0", "id": "42", "type": "keyledger.KeyCreated.v1", "subject": "k3yPubl1cId0", "data": {}}',
)

router = APIRouter(prefix="/audit", tags=["audit"], dependencies=OF_CALLERS)


class ExportQuery(Strict):
    """Which part of the log."""

    after: Whole = Field(
        0, description="the position after which it begins: that of the last line you have", examples=[0]
    )
    until: Whole | None = Field(
        None, description="the last position; the head of the log when not given", examples=[42]
    )
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE), WHOLE] = Field(
        MAX_PAGE, description="how many lines at most", examples=[1000]
    )

    async def bounds(self, log: EventLog) -> tuple[int, int]:
        """The head, and the last position asked for. Raises FieldsRefused beyond the head."""
        head = (await log.head()).position
        until = head if self.until is None else self.until
        beyond = [
            FieldFault(field, f"is beyond the head of the log, {head}")
            for field, value in (("after", self.after), ("until", until))
            if value > head
        ]
        if beyond:
            raise FieldsRefused(*beyond, position=head)
        return head, until


@router.get(
    "/export",
    response_class=Response,
    responses={**_LINES, **documented(422)},
)
async def export_log(
    registry: Registry, reads: Reads, _principal: Auditor, query: Annotated[ExportQuery, Query()]
) -> Response:
    """Export a page of the log.

    It has one event a line, as the topic carries it, each held to the chain before it is sent. A page ends at `limit`
    lines, or earlier when they are large; an empty one says that there is no more. Go on with `after`, the position of
    your last line.
    """
    head, until = await query.bounds(registry.log)
    page = await reads.page(lambda there: export_page(there.registry.log, until, query.after, query.limit))
    headers = {**position_headers(head), LOG_ID_HEADER: str(registry.log.log_id)}
    return Response(page, media_type=MEDIA_TYPE, headers=headers)
