"""GET /admin/api-keys/{public_id}/history: the events of a key, as the log has them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from keyledger.http.answer.answers import Page, answer
from keyledger.http.answer.problem import documented
from keyledger.http.dependencies import OF_CALLERS, KeyReader
from keyledger.http.keys.views import EventOut, event_out
from keyledger.http.reads import Reads
from keyledger.http.request.query_params import PageQuery, PublicId, checked_id, from_cursor, to_cursor
from registry.keys.events import Confinement
from registry.queries import Queries
from registry.tokens.confinement import positions_within, require

router = APIRouter(prefix="/admin/api-keys", tags=["keys"], dependencies=OF_CALLERS)


@router.get("/{public_id}/history", response_model=Page[EventOut], responses=documented(404, 422))
async def list_key_events(
    public_id: PublicId, reads: Reads, principal: KeyReader, query: Annotated[PageQuery, Query()]
) -> JSONResponse:
    """List a key's events, oldest first, also after its revocation."""
    checked, after = checked_id(public_id), from_cursor(query.cursor, "history") or 0
    within = principal.confined_to
    return await reads.page(lambda there: _page(there.registry.queries, checked, after, query.limit, within))


async def _page(
    queries: Queries, public_id: PublicId, after: int, limit: int, within: Confinement | None
) -> JSONResponse:
    stream = await queries.stream(public_id)
    found = await queries.history(stream, after_version=after, limit=limit)
    cursor = to_cursor("history", found.items[-1].version) if found.more else None
    items = found.items
    if within is not None:
        key, seen = await queries.key(public_id)
        require(within, key, seen.now)
        seen_by_caller = positions_within(within, [event async for event in queries.life(stream)])
        items = [one for one in items if one.position in seen_by_caller]
    return answer(Page([event_out(one) for one in items], cursor), found.seen.position)
