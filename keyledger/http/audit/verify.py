"""GET /audit/verify: is everything as the log says? A long answer, sent as it goes."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import Field

from audit.report import Verdict
from audit.verify.bookmark import read_bookmark
from audit.verify.last import recording_end
from audit.verify.verify import verify
from keyledger.http.answer.ndjson import Part, documented_lines
from keyledger.http.answer.problem import documented
from keyledger.http.dependencies import OF_CALLERS, Auditor, AuditSources
from keyledger.http.reads import Reads
from keyledger.http.request.field_types import WHOLE
from keyledger.http.request.query_params import Strict
from keyledger.runtime.audit_sources import audit_sources
from keyledger.runtime.services import Services

_LINES = documented_lines(
    "One object a line: `progress`, `finding`, `item` with what has `expired` at the gateway; at the end "
    "`result`, or `error`. Without either it was cut off.",
    '{"progress": {"stage": "log", "done": 42, "total": 42, "bookmark": "eyJwb3NpdGlvbiI6NDJ9"}}',
    '{"result": {"position": 42, "findings": 0, "bookmark": "eyJwb3NpdGlvbiI6NDJ9", "gateway_rows": null}}',
)

router = APIRouter(prefix="/audit", tags=["audit"], dependencies=OF_CALLERS)


class VerifyQuery(Strict):
    """Where to go on."""

    bookmark: str | None = Field(
        None, max_length=2000, description="of a progress line, to go on there", examples=["eyJwb3NpdGlvbiI6NDJ9"]
    )
    wait_s: Annotated[int, Field(ge=0, le=300), WHOLE] = Field(
        5,
        description="how long to wait for a running projector or sync to apply what is in the log",
        examples=[5],
    )


@router.get(
    "/verify",
    response_class=StreamingResponse,
    responses={**_LINES, **documented(409, 422)},
)
async def verify_books(
    sources: AuditSources, reads: Reads, _principal: Auditor, query: Annotated[VerifyQuery, Query()]
) -> StreamingResponse:
    """Compare log, current state, ClickHouse and gateway. NDJSON of progress and findings, at the end the result."""
    if query.bookmark is not None:
        await read_bookmark(query.bookmark, sources.log)  # before the status is sent
    return reads.audit(lambda services: _verify(services, query), (await sources.log.head()).position)


async def _verify(services: Services, query: VerifyQuery) -> AsyncGenerator[Part, None]:
    sources = audit_sources(services)
    parts = verify(sources, query.bookmark, wait_s=query.wait_s)
    async for part in recording_end(parts, sources.engine) if query.bookmark is None else parts:
        yield {"result": part} if isinstance(part, Verdict) else part
