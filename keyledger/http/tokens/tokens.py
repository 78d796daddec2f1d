"""Admin tokens: create, list, rotate, revoke."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import JSONResponse

from keyledger.http.answer.answers import Page, answer
from keyledger.http.answer.problem import documented
from keyledger.http.dependencies import OF_CALLERS, Administrator, Registry, caller_of
from keyledger.http.request.query_params import (
    NoQuery,
    PageQuery,
    ReasonQuery,
    checked_id,
    from_cursor,
    to_cursor,
)
from keyledger.http.request.request_body import JSON, body_docs, json_body
from keyledger.http.tokens.views import NewTokenOut, RotateTokenBody, TokenBody, TokenOut, new_token_out, token_out
from registry.errors import UnknownToken
from registry.tokens.service import IssuedToken, TokenAnswer

router = APIRouter(prefix="/admin/tokens", tags=["tokens"], dependencies=OF_CALLERS)
TokenId = Annotated[str, Path(description="the id of the token", examples=["AbCdEfGhIjKl"])]


@router.post(
    "",
    status_code=201,
    response_model=NewTokenOut,
    responses=documented(409, 413, 415, 422),
    openapi_extra=body_docs(TokenBody, JSON),
)
async def create_token(
    request: Request,
    registry: Registry,
    principal: Administrator,
    _query: Annotated[NoQuery, Query()],
    body: Annotated[TokenBody, Depends(json_body(TokenBody, JSON))],
) -> JSONResponse:
    """Make an admin token. The answer is the only one that ever shows its text."""
    return _shown_new(await registry.tokens.create(body.new(), caller_of(request, principal, _shown_new)))


@router.get("", response_model=Page[TokenOut], responses=documented(422))
async def list_tokens(
    registry: Registry, _principal: Administrator, query: Annotated[PageQuery, Query()]
) -> JSONResponse:
    """List admin tokens, oldest first, with their last use as it was written half a minute ago at most."""
    first = from_cursor(query.cursor, "tokens") or 0
    tokens, seen = await registry.queries.tokens(), await registry.queries.seen()
    page, after = tokens[first : first + query.limit], first + query.limit
    items = [token_out(one.token, seen.now, one.last_used_at) for one in page]
    cursor = to_cursor("tokens", after) if after < len(tokens) else None
    return answer(Page(items, cursor), seen.position)


@router.get("/{token_id}", response_model=TokenOut, responses=documented(404, 422))
async def show_token(
    token_id: TokenId, registry: Registry, _principal: Administrator, _query: Annotated[NoQuery, Query()]
) -> JSONResponse:
    """Show an admin token, also one that has ended. Its last use was written half a minute ago at most."""
    found = await registry.queries.known_token(checked_id(token_id, UnknownToken))
    seen = await registry.queries.seen()
    return answer(token_out(found.token, seen.now, found.last_used_at), seen.position)


@router.post(
    "/{token_id}/rotate",
    status_code=201,
    response_model=NewTokenOut,
    responses=documented(404, 409, 413, 415, 422),
    openapi_extra=body_docs(RotateTokenBody, JSON),
)
async def rotate_token(
    request: Request,
    token_id: TokenId,
    registry: Registry,
    principal: Administrator,
    _query: Annotated[NoQuery, Query()],
    body: Annotated[RotateTokenBody, Depends(json_body(RotateTokenBody, JSON))],
) -> JSONResponse:
    """Make a token with the same rights in place of one, which goes on to work for a while."""
    checked, overlap = checked_id(token_id, UnknownToken), timedelta(seconds=body.overlap_s)
    return _shown_new(await registry.tokens.rotate(checked, overlap, caller_of(request, principal, _shown_new)))


@router.delete("/{token_id}", response_model=TokenOut, responses=documented(404, 422))
async def revoke_token(
    request: Request,
    token_id: TokenId,
    registry: Registry,
    principal: Administrator,
    query: Annotated[ReasonQuery, Query()],
) -> JSONResponse:
    """Revoke an admin token at once; a repeat answers the same."""
    caller = caller_of(request, principal, _shown, query.reason)
    return _shown(await registry.tokens.revoke(checked_id(token_id, UnknownToken), caller))


def _shown_new(made: IssuedToken) -> JSONResponse:
    return answer(new_token_out(made), made.position, 201)


def _shown(done: TokenAnswer) -> JSONResponse:
    return answer(token_out(done.token, done.now), done.position)
