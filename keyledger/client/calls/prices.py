"""Calls on the price book. Amounts are decimal texts or Decimals, never floats."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from msgspec import UNSET, UnsetType

from keyledger.client.call import Call, Instant, Page, body_of, path_of, query_of
from keyledger.client.model.keys import HistoryEvent
from keyledger.client.model.prices import Price

_PATH: Final = "/admin/prices"
Amount = Decimal | str


def set_price(
    price_id: str,
    *,
    model: str,
    currency: str,
    provider: str | None = None,
    tags: Mapping[str, str] | None = None,
    per_million: Mapping[str, Amount] | None = None,
    per_inference: Amount | None = None,
    cost_multiplier: Amount | None = None,
    effective_at: Instant | None = None,
    reason: str | None = None,
) -> Call[Price]:
    """Set what a price charges; a repeat changes nothing. Model, provider and tags are kept for life."""
    amounts: Mapping[str, Amount] | UnsetType = UNSET if per_million is None else per_million
    body = body_of(
        model=model,
        provider=provider,
        tags=dict(tags or {}),
        currency=currency,
        per_million=amounts if isinstance(amounts, UnsetType) else {name: _text(one) for name, one in amounts.items()},
        per_inference=UNSET if per_inference is None else _text(per_inference),
        cost_multiplier=UNSET if cost_multiplier is None else _text(cost_multiplier),
    )
    query = query_of(effective_at=effective_at, reason=reason)
    return Call("PUT", _price(price_id), Price, query, body, changes=True)


def end_price(price_id: str, *, effective_at: Instant | None = None, reason: str | None = None) -> Call[Price]:
    """End a price, with what is scheduled after it; a repeat changes nothing."""
    query = query_of(effective_at=effective_at, reason=reason)
    return Call("DELETE", _price(price_id), Price, query, changes=True)


def show_price(price_id: str, *, at: Instant | None = None, known_at: int | None = None) -> Call[Price]:
    """Show a price: as it is, as of an instant, or as the log knew it at a position."""
    return Call("GET", _price(price_id), Price, query_of(at=at, known_at=known_at))


def list_prices(
    *, at: Instant | None = None, known_at: int | None = None, limit: int | None = None
) -> Call[Page[Price]]:
    """List prices, those that ended too."""
    return Call("GET", _PATH, Page[Price], query_of(at=at, known_at=known_at, limit=limit))


def list_price_events(price_id: str, *, limit: int | None = None) -> Call[Page[HistoryEvent]]:
    """List the events of a price, oldest first."""
    return Call("GET", f"{_price(price_id)}/history", Page[HistoryEvent], query_of(limit=limit))


def _price(price_id: str) -> str:
    return f"{_PATH}{path_of(price_id)}"


def _text(amount: Amount) -> str:
    """The amount without an exponent. Raises TypeError for a float, which has no exact value that a person wrote."""
    if isinstance(amount, Decimal):
        return f"{amount:f}"
    if not isinstance(amount, str):
        raise TypeError("an amount is a Decimal or a text")
    return amount
