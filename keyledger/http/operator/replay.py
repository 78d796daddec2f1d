"""POST /operator/audit/replay, DELETE /operator/audit/replay/{target}: a second ledger, made, switched to, dropped."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import Field

from audit.replay.exclusive import alone
from audit.replay.replay import Replay, Replayed
from keyledger.http.answer.answers import answer
from keyledger.http.answer.ndjson import Part, stream
from keyledger.http.dependencies import OF_OPERATOR, AuditSources
from keyledger.http.request.request_body import JSON, Body, json_body

MAX_NAME: Final = 64

router = APIRouter(prefix="/operator/audit", tags=["operator"], dependencies=OF_OPERATOR)


class ReplayBody(Body):
    """Into which database, up to which position (the head when not given), and whether it becomes the live one."""

    target: str = Field(min_length=1, max_length=MAX_NAME)
    until: int | None = Field(None, ge=0, lt=10**18, strict=True)
    switch: bool = Field(False, strict=True)


@router.post("/replay", response_class=StreamingResponse)
async def replay_log(
    sources: AuditSources, body: Annotated[ReplayBody, Depends(json_body(ReplayBody, JSON))]
) -> StreamingResponse:
    """Rebuild the ledger next to the live one: NDJSON of progress and differences, at the end the result.

    It stops when the caller goes away, and resumes when it is asked for again.
    """
    replay = Replay(sources, body.target, body.until, switch=body.switch)
    async with alone(sources.engine):  # what can be refused is, before the status is sent
        until = await replay.check()
    return stream(_replay(sources, replay), until)


@router.delete("/replay/{target}")
async def drop_replay(sources: AuditSources, target: Annotated[str, Path(max_length=MAX_NAME)]) -> JSONResponse:
    """Drop a ledger that a replay made, or that a switch kept there."""
    async with alone(sources.engine):
        rows = await Replay(sources, target).drop()
    return answer({"target": target, "rows": rows}, (await sources.log.head()).position)


async def _replay(sources: AuditSources, replay: Replay) -> AsyncGenerator[Part, None]:
    async with alone(sources.engine) as still, aclosing(replay.run()) as parts:
        async for part in parts:
            await still()
            yield {"result": part} if isinstance(part, Replayed) else part
