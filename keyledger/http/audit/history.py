"""GET /audit/history/{public_id}: the life of a key, or of an admin token, as a person reads it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from audit.history.history import Entry, entries
from keyledger.http.answers import Page, answer
from keyledger.http.dependencies import OF_CALLERS, Auditor, Registry
from keyledger.http.problem import documented
from keyledger.http.query_params import PageQuery, checked_id, from_cursor, to_cursor
from registry.keys.events import token_stream
from registry.queries import Queries

_TOKEN = token_stream("")

router = APIRouter(prefix="/audit", tags=["audit"], dependencies=OF_CALLERS)


@router.get("/history/{public_id}", response_model=Page[Entry], responses=documented(404, 422))
async def tell_history(
    public_id: str, registry: Registry, _principal: Auditor, query: Annotated[PageQuery, Query()]
) -> JSONResponse:
    """Who did what to a key, when, why, and what changed from what to what; `token-<id>` names an admin token."""
    after = from_cursor(query.cursor, "life") or 0
    stream = await _stream(registry.queries, public_id)
    # What an event changes depends on all before it; those after it add nothing.
    events, seen = await registry.queries.history(stream, limit=after + query.limit + 1)
    names = {token_stream(token.token_id): token.name for token in await registry.queries.tokens()}
    items = list(entries(events, names))[after:]
    cursor = to_cursor("life", after + query.limit) if len(items) > query.limit else None
    return answer(Page(items[: query.limit], cursor), seen.position)


async def _stream(queries: Queries, public_id: str) -> str:
    if public_id.startswith(_TOKEN):
        return token_stream(checked_id(public_id.removeprefix(_TOKEN)))
    return await queries.stream(checked_id(public_id))
