"""POST /operator/audit/replay, DELETE /operator/audit/replay/{target}: a second ledger, made, switched to, dropped."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict
from typing import Annotated, Final

from fastapi import Depends, Path, Request
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import Field

from audit.replay.exclusive import alone
from audit.replay.replay import Replay, Replayed
from keyledger.http.audit import operator_router
from keyledger.http.audit.verify import books_of
from keyledger.http.keys.bodies import Body
from keyledger.http.keys.keys import answer
from keyledger.http.ndjson import Part, stream
from keyledger.http.request_body import JSON, json_body
from keyledger.runtime.services import Services

MAX_NAME: Final = 64


class ReplayBody(Body):
    """Into which database, up to which position (the head when not given), and whether it becomes the live one."""

    target: str = Field(min_length=1, max_length=MAX_NAME)
    until: int | None = Field(None, ge=0, lt=10**18, strict=True)
    switch: bool = Field(False, strict=True)


@operator_router.post("/replay", response_class=StreamingResponse)
async def replay_log(
    request: Request, body: Annotated[ReplayBody, Depends(json_body(ReplayBody, JSON))]
) -> StreamingResponse:
    """Make the ledger anew beside the live one: NDJSON of progress and differences, at the end the result.

    It stops when the caller goes away, and goes on when it is asked for again.
    """
    services: Services = request.app.state.services
    replay = Replay(books_of(services), body.target, body.until, switch=body.switch)
    async with alone(services.engine):  # what can be refused is, before the status is sent
        until = await replay.check()
    return stream(_replay(services, replay), until)


@operator_router.delete("/replay/{target}")
async def drop_replay(request: Request, target: Annotated[str, Path(max_length=MAX_NAME)]) -> JSONResponse:
    """Drop a ledger that a replay made, or that a switch kept there."""
    services: Services = request.app.state.services
    async with alone(services.engine):
        rows = await Replay(books_of(services), target).drop()
    return answer({"target": target, "rows": rows}, (await services.registry.log.head()).position)


async def _replay(services: Services, replay: Replay) -> AsyncGenerator[Part, None]:
    async with alone(services.engine) as still, aclosing(replay.run()) as parts:
        async for told in parts:
            await still()
            yield {"result": asdict(told)} if isinstance(told, Replayed) else told
