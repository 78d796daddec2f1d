"""Prices: set, list, show, end, and their history."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import JSONResponse

from keyledger.http.answer.answers import Page, answer
from keyledger.http.answer.problem import documented
from keyledger.http.billing.what_if import answer_what_if
from keyledger.http.dependencies import OF_CALLERS, PriceReader, PriceWriter, Registry, Services, caller_of
from keyledger.http.keys.views import EventOut, event_out
from keyledger.http.prices.bodies import ChangeQuery, PriceBody, PriceListQuery
from keyledger.http.prices.views import PriceOut, price_out
from keyledger.http.reads import Reads
from keyledger.http.request.query_params import AsOfQuery, PageQuery, from_cursor, to_cursor
from keyledger.http.request.request_body import JSON, body_docs, json_body
from projections.billing.what_if import WhatIf
from registry.errors import UnknownKey, UnknownPrice
from registry.instant import to_ms
from registry.prices.events import price_stream
from registry.prices.service import PriceAnswer, PriceQueries
from registry.prices.terms import PRICE_ID
from registry.queries import Queries

PriceId = Annotated[
    str,
    Path(description="the price's id: letters, digits, dots, dashes and underscores", examples=["llama-gold"]),
]
router = APIRouter(prefix="/admin/prices", tags=["prices"], dependencies=OF_CALLERS)


@router.put(
    "/{price_id}",
    response_model=PriceOut | WhatIf,
    responses=documented(409, 413, 415, 422),
    openapi_extra={**body_docs(PriceBody, JSON), "x-repeatable": ["group_by"]},
)
async def set_price(
    request: Request,
    price_id: PriceId,
    registry: Registry,
    principal: PriceWriter,
    query: Annotated[ChangeQuery, Query()],
    body: Annotated[PriceBody, Depends(json_body(PriceBody, JSON))],
    services: Services,
    reads: Reads,
) -> JSONResponse:
    """Set what a price charges, from an instant on. A price keeps its model, provider and tags for life.

    A price that could rate the same rows as specifically as another, at any time when both count, is refused. What
    changes nothing is not recorded.
    """
    when = query.when(may_backdate=principal.allows("prices:backdate"))
    caller = caller_of(request, principal, _answered, query.reason)
    if query.check(principal):
        would_be = await registry.prices.set_what_if(body.price(price_id), when, caller)
        return await answer_what_if(services, reads, would_be, query.effective_at, query.group_by)
    return _answered(await registry.prices.set(body.price(price_id), when, caller))


@router.get("", response_model=Page[PriceOut], responses=documented(422))
async def list_prices(reads: Reads, _principal: PriceReader, query: Annotated[PriceListQuery, Query()]) -> JSONResponse:
    """List prices, the last one made first, also those that ended.

    As they are, as of an instant, or as known at a position. A page ends at `limit` prices, or earlier when they are
    large.
    """
    before = from_cursor(query.cursor, "prices")
    return await reads.page(lambda there: _page(there.registry.price_book, query, before))


async def _page(book: PriceQueries, query: PriceListQuery, before: int | None) -> JSONResponse:
    found = await book.prices(query.at, query.known_at, before, query.limit)
    cursor = to_cursor("prices", found.prices[-1].created_position) if found.more else None
    at_ms = to_ms(found.moment.at)
    return answer(Page([price_out(one, at_ms) for one in found.prices], cursor), found.position)


@router.get("/{price_id}", response_model=PriceOut, responses=documented(404, 422))
async def show_price(
    price_id: PriceId, registry: Registry, _principal: PriceReader, query: Annotated[AsOfQuery, Query()]
) -> JSONResponse:
    """Show a price: as it is, as of an instant, or as known at a position."""
    found = await registry.price_book.price(_checked(price_id), query.at, query.known_at)
    return answer(price_out(found.prices[0], to_ms(found.moment.at)), found.position)


@router.get("/{price_id}/history", response_model=Page[EventOut], responses=documented(404, 422))
async def list_price_events(
    price_id: PriceId, reads: Reads, _principal: PriceReader, query: Annotated[PageQuery, Query()]
) -> JSONResponse:
    """List a price's events, oldest first."""
    stream, after = price_stream(_checked(price_id)), from_cursor(query.cursor, "history") or 0
    return await reads.page(lambda there: _history(there.registry.queries, stream, after, query.limit))


async def _history(queries: Queries, stream: str, after: int, limit: int) -> JSONResponse:
    try:
        found = await queries.history(stream, after_version=after, limit=limit)
    except UnknownKey as error:
        raise UnknownPrice(position=error.position) from error
    cursor = to_cursor("history", found.items[-1].version) if found.more else None
    return answer(Page([event_out(one) for one in found.items], cursor), found.seen.position)


@router.delete(
    "/{price_id}",
    response_model=PriceOut | WhatIf,
    responses=documented(404, 409, 422),
    openapi_extra={"x-repeatable": ["group_by"]},
)
async def end_price(
    request: Request,
    price_id: PriceId,
    registry: Registry,
    principal: PriceWriter,
    query: Annotated[ChangeQuery, Query()],
    services: Services,
    reads: Reads,
) -> JSONResponse:
    """End a price from an instant on, with what is scheduled after it; a repeat answers the same."""
    when = query.when(may_backdate=principal.allows("prices:backdate"))
    caller = caller_of(request, principal, _answered, query.reason)
    if query.check(principal):
        would_be = await registry.prices.end_what_if(_checked(price_id), when, caller)
        return await answer_what_if(services, reads, would_be, query.effective_at, query.group_by)
    return _answered(await registry.prices.end(_checked(price_id), when, caller))


def _checked(price_id: str) -> str:
    """The id from a path. Raises UnknownPrice for one that nothing can have, before any database sees it."""
    if PRICE_ID.fullmatch(price_id) is None:
        raise UnknownPrice
    return price_id


def _answered(made: PriceAnswer) -> JSONResponse:
    return answer(price_out(made.price, to_ms(made.now)), made.position)
