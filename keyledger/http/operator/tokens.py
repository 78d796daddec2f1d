"""POST, GET /operator/tokens, DELETE /operator/tokens/{token_id}: admin tokens, before there is one to ask with."""

from __future__ import annotations

from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse

from keyledger.http.answer.answers import answer
from keyledger.http.dependencies import OF_OPERATOR, Registry
from keyledger.http.request.query_params import checked_id
from keyledger.http.request.request_body import JSON, json_body
from keyledger.http.tokens.views import TokenBody, new_token_out, token_out
from registry.auth import OPERATOR
from registry.errors import UnknownToken
from registry.log.event_log import Caller

router = APIRouter(prefix="/operator", tags=["operator"], dependencies=OF_OPERATOR)


@router.post("/tokens", status_code=201)
async def make_token(
    registry: Registry, body: Annotated[TokenBody, Depends(json_body(TokenBody, JSON))]
) -> JSONResponse:
    """Make an admin token: the only answer that ever shows it."""
    made = await registry.tokens.create(body.new(), _caller())
    return answer(new_token_out(made), made.position, 201)


@router.get("/tokens")
async def show_tokens(registry: Registry) -> JSONResponse:
    """All admin tokens, oldest first."""
    tokens, seen = await registry.queries.tokens(), await registry.queries.seen()
    items = [token_out(one.token, seen.now, one.last_used_at) for one in tokens]
    return answer({"items": items}, seen.position)


@router.delete("/tokens/{token_id}")
async def end_token(registry: Registry, token_id: str) -> JSONResponse:
    """End an admin token; a repeat answers the same."""
    done = await registry.tokens.revoke(checked_id(token_id, UnknownToken), _caller())
    return answer(token_out(done.token, done.now), done.position)


def _caller() -> Caller:
    return Caller(OPERATOR, request_id=uuid4().hex)
