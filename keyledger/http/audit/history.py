"""GET /audit/history/{public_id}: the life of a key, or of an admin token or the log itself, as a person reads it."""

from __future__ import annotations

import re
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse

from audit.history.history import Entry, History
from keyledger.http.answer.answers import Page, answer
from keyledger.http.answer.problem import documented
from keyledger.http.dependencies import OF_CALLERS, Auditor
from keyledger.http.reads import Reads
from keyledger.http.request.query_params import PageQuery, checked_id, from_cursor, to_cursor
from registry.keys.events import CLOCK_STREAM, token_stream
from registry.policy.events import POLICY_STREAM
from registry.prices.events import price_stream
from registry.prices.terms import PRICE_ID
from registry.queries import PAGE_BYTES, Queries

_TOKEN = token_stream("")
_PRICE = price_stream("")
_USAGE = re.compile(r"usage-[a-z][a-z0-9_]{0,62}", re.ASCII)

AnyId = Annotated[
    str,
    Path(
        description="the id of any credential of a key; `token-<id>`; `price-<id>`; `usage-<source>`; `tag-policy`;"
        " or `log-clock`",
        examples=["k3yPubl1cId0"],
    ),
]
router = APIRouter(prefix="/audit", tags=["audit"], dependencies=OF_CALLERS)


@router.get("/history/{public_id}", response_model=Page[Entry], responses=documented(404, 422))
async def list_history(
    public_id: AnyId, reads: Reads, _principal: Auditor, query: Annotated[PageQuery, Query()]
) -> JSONResponse:
    """List who did what to a key, when and why, and what changed from what to what.

    `token-<id>` names an admin token, `price-<id>` a price, `usage-<source>` the anchors of a source of usage,
    `tag-policy` the tag policy, and `log-clock` what operators decided about the log's clock.

    A page ends at `limit` events, or earlier when they are large.
    """
    after = from_cursor(query.cursor, "life") or 0
    return await reads.page(lambda there: _page(there.registry.queries, public_id, after, query.limit))


async def _page(queries: Queries, public_id: str, after: int, limit: int) -> JSONResponse:
    stream, seen = await _stream(queries, public_id), await queries.seen()
    names = {token_stream(one.token.token_id): one.token.name for one in await queries.tokens()}
    history, items, size, more = History(names), list[Entry](), 0, False
    # What an event changes depends on all before it; those after it add nothing.
    async with aclosing(queries.life(stream)) as events:
        async for recorded in events:
            if recorded.position > seen.position:
                break
            if more := len(items) == limit or size >= PAGE_BYTES:
                break
            entry = history.entry(recorded)
            if entry.version > after:
                items.append(entry)
                size += len(recorded.payload)
    return answer(Page(items, to_cursor("life", items[-1].version) if more else None), seen.position)


async def _stream(queries: Queries, public_id: str) -> str:
    if public_id in {CLOCK_STREAM, POLICY_STREAM}:
        return public_id
    if public_id.startswith(_TOKEN):
        return token_stream(checked_id(public_id.removeprefix(_TOKEN)))
    if public_id.startswith(_PRICE) and PRICE_ID.fullmatch(public_id.removeprefix(_PRICE)):
        return public_id
    if _USAGE.fullmatch(public_id):
        return public_id
    return await queries.stream(checked_id(public_id))
