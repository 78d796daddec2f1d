"""GET /admin/api-keys/{public_id}/history: the events of a key, as the log has them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from keyledger.http.answers import Page, answer
from keyledger.http.dependencies import OF_CALLERS, KeyReader, Registry
from keyledger.http.keys.views import EventOut, event_out
from keyledger.http.problem import documented
from keyledger.http.query_params import PageQuery, checked_id, from_cursor, to_cursor

router = APIRouter(prefix="/admin/api-keys", tags=["keys"], dependencies=OF_CALLERS)


@router.get("/{public_id}/history", response_model=Page[EventOut], responses=documented(404, 422))
async def show_history(
    public_id: str, registry: Registry, _principal: KeyReader, query: Annotated[PageQuery, Query()]
) -> JSONResponse:
    """List a key's events, oldest first, also after its revocation."""
    after = from_cursor(query.cursor, "history") or 0
    stream = await registry.queries.stream(checked_id(public_id))
    events, seen = await registry.queries.history(stream, after_version=after, limit=query.limit + 1)
    more = len(events) > query.limit
    events = events[: query.limit]
    cursor = to_cursor("history", events[-1].version) if more else None
    return answer(Page([event_out(one) for one in events], cursor), seen.position)
