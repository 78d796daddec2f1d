"""The price book: what counts at an instant, and the history of a price."""

from __future__ import annotations

from typing import Final

from fastapi import Request
from fastapi.responses import Response

from keyledger.client.call import Page
from keyledger.client.calls import list_price_events, list_prices, show_price
from keyledger.client.errors import Refused
from keyledger.client.model.prices import Price
from keyledger.console.addresses import pages_of
from keyledger.console.routing import LoggedIn, PathId, page_router
from registry.prices.terms import COUNTED

router = page_router()
_PAGE: Final = 100
# Columns of amounts: the others are there where a price of the page has one.
_ALWAYS: Final = ("input", "output")
_OTHER: Final = ("per_inference", "cost_multiplier")
# As many events as a price can have.
_EVENTS: Final = 1000


@router.get("/prices")
async def prices(request: Request, visit: LoggedIn, at: str = "", cursor: str = "") -> Response:
    """Prices as of an instant, the last one made first, those that ended too."""
    asked, fault, found = at.strip() or None, None, Page[Price]([], None)
    try:
        call = list_prices(at=asked, limit=_PAGE)
        found = await visit.ask(call.asking(cursor=cursor) if cursor else call)
    except Refused as refused:
        fault = refused.detail
    return visit.page(
        "prices/prices.html",
        200 if fault is None else 422,
        found=found,
        at=asked,
        counted=[name for name in COUNTED if name in _ALWAYS or any(name in one.per_million for one in found.items)],
        other={name: any(getattr(one, name) is not None for one in found.items) for name in _OTHER},
        fault=fault,
        **pages_of(request, cursor, found.next_cursor),
    )


@router.get("/prices/{price_id}")
async def price(visit: LoggedIn, price_id: PathId, at: str = "") -> Response:
    """A price as of an instant, what is to come, and its events."""
    asked = at.strip() or None
    shown = await visit.ask(show_price(price_id, at=asked))
    history = await visit.ask(list_price_events(price_id, limit=_EVENTS))
    return visit.page("prices/one.html", price=shown, at=asked, events=history.items[::-1])
