"""GET /audit/history/{public_id}: the life of a key, or of an admin token, as a person reads it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from audit.history.history import entries
from keyledger.http.audit import router
from keyledger.http.keys.keys import answer, needs
from keyledger.http.problem import documented
from keyledger.http.query_params import PageQuery, checked_id, from_cursor, to_cursor
from keyledger.runtime.registry import Registry
from registry.auth import Principal
from registry.keys.events import token_stream
from registry.queries import Queries

_TOKEN = token_stream("")


class ChangeOut(BaseModel):
    """One field that an event wrote; `until`: from when it does not count, as a later write was there already."""

    field: str = Field(examples=["tags.customer_id"])
    from_: Any = Field(alias="from", examples=["acme"])
    to: Any = Field(examples=["globex"])
    until: str | None


class EntryOut(BaseModel):
    """One event, told."""

    position: int
    version: int
    type: str
    recorded_at: str
    effective_at: str
    backdated: bool
    actor: str = Field(description="the admin token, as token-<id>, or operator")
    actor_name: str | None
    on_behalf_of: str | None
    request_id: str | None
    reason: str | None
    changes: list[ChangeOut]


class LifePage(BaseModel):
    """A page of a life, oldest first; `next_cursor` is null on the last."""

    items: list[EntryOut]
    next_cursor: str | None


@router.get("/history/{public_id}", response_model=LifePage, responses=documented(404, 422))
async def tell_history(
    request: Request,
    public_id: str,
    _principal: Annotated[Principal, needs("audit:read")],
    query: Annotated[PageQuery, Query()],
) -> JSONResponse:
    """Who did what to a key, when, why, and what changed from what to what; `token-<id>` tells of an admin token."""
    registry: Registry = request.app.state.registry
    after = from_cursor(query.cursor, "life") or 0
    stream = await _stream(registry.queries, public_id)
    # An event is told against all before it; those after it add nothing.
    events, seen = await registry.queries.history(stream, limit=after + query.limit + 1)
    items = [entry.json() for entry in entries(events, await token_names(registry.queries))][after:]
    more = len(items) > query.limit
    cursor = to_cursor("life", after + query.limit) if more else None
    return answer({"items": items[: query.limit], "next_cursor": cursor}, seen.position)


async def token_names(queries: Queries) -> dict[str, str]:
    """The names of all admin tokens, by their streams, which is how events name them. Raises Busy."""
    return {token_stream(token.token_id): token.name for token in await queries.tokens()}


async def _stream(queries: Queries, public_id: str) -> str:
    if public_id.startswith(_TOKEN):
        return token_stream(checked_id(public_id.removeprefix(_TOKEN)))
    return await queries.stream(checked_id(public_id))
