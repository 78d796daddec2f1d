"""/operator/console-…: an address that logs the operator in to the console once, and the end of all sessions."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from keyledger.http.answer.answers import answer
from keyledger.http.dependencies import OF_OPERATOR, Registry

router = APIRouter(prefix="/operator", tags=["operator"], dependencies=OF_OPERATOR)


@router.post("/console-logins", status_code=201)
async def offer(request: Request, registry: Registry) -> JSONResponse:
    """A path with a code, which works once, for ten minutes; and where this process serves it, if it does."""
    code = await registry.sessions.offer()
    offered = {"origin": request.app.state.origin, "path": f"/console/login?code={code}"}
    return answer(offered, (await registry.queries.seen()).position, 201)


@router.delete("/console-sessions")
async def end_all(registry: Registry) -> JSONResponse:
    """End every session of the console, and every address that was not used."""
    ended = await registry.sessions.end_all()
    return answer({"ended": ended}, (await registry.queries.seen()).position)
