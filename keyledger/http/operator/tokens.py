"""POST, GET /operator/tokens, DELETE /operator/tokens/{token_id}: admin tokens."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse

from keyledger.http.answer.answers import answer
from keyledger.http.dependencies import OF_OPERATOR, Registry
from keyledger.http.request.request_body import JSON, Body, json_body
from registry.auth import OPERATOR
from registry.keys.tokens import TokenState
from registry.log.event_log import Caller

router = APIRouter(prefix="/operator", tags=["operator"], dependencies=OF_OPERATOR)


class TokenBody(Body):
    """An admin token to make."""

    name: str
    scopes: list[str]


@dataclass(frozen=True, slots=True)
class TokenOut:
    """An admin token as every answer shows it."""

    token_id: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewTokenOut(TokenOut):
    """An admin token with its text, which is shown this once."""

    token: str = field(repr=False)


@router.post("/tokens", status_code=201)
async def create_token(
    registry: Registry, body: Annotated[TokenBody, Depends(json_body(TokenBody, JSON))]
) -> JSONResponse:
    """Make an admin token: the only answer that ever shows it."""
    state, text = await registry.tokens.create(body.name, tuple(body.scopes), _caller())
    token = _token(state)
    return answer(
        NewTokenOut(**{one.name: getattr(token, one.name) for one in fields(token)}, token=text), state.position, 201
    )


@router.get("/tokens")
async def list_tokens(registry: Registry) -> JSONResponse:
    """All admin tokens, oldest first."""
    tokens = await registry.queries.tokens()
    seen = await registry.queries.seen()
    return answer({"items": [_token(one) for one in tokens]}, seen.position)


@router.delete("/tokens/{token_id}")
async def revoke_token(registry: Registry, token_id: str) -> JSONResponse:
    """End an admin token; a repeat answers the same."""
    state = await registry.tokens.revoke(token_id, _caller())
    return answer(_token(state), state.position)


def _caller() -> Caller:
    return Caller(OPERATOR, request_id=uuid4().hex)


def _token(state: TokenState) -> TokenOut:
    return TokenOut(state.token_id, state.name, state.scopes, state.created_at, state.revoked_at)
