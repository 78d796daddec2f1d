"""Prices as every answer shows them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from registry.instant import from_ms
from registry.prices.state import PriceChange, PriceState, Status
from registry.prices.terms import Terms

_NOTHING = Terms("", {}, None, None)


@dataclass(frozen=True, slots=True)
class ScheduledPrice:
    """A change of a price that is to come; `currency` None: the price ends."""

    position: int
    effective_at: datetime
    currency: str | None
    per_million: dict[str, str]
    per_inference: str | None
    cost_multiplier: str | None


@dataclass(frozen=True, slots=True)
class PriceOut:
    """A price: its terms at an instant, and what is to come.

    Of a scheduled price, the first terms that are to come; of one that ended, the last that it had.
    """

    price_id: str
    model: str
    provider: str | None
    tags: dict[str, str]
    currency: str
    per_million: dict[str, str]
    per_inference: str | None
    cost_multiplier: str | None
    status: Status
    effective_at: datetime
    scheduled: list[ScheduledPrice]
    position: int
    version: int


def price_out(price: PriceState, at_ms: int) -> PriceOut:
    """The price at an instant. `effective_at` is from when its terms, or its end, count."""
    status, shown, now = price.status(at_ms), _shown(price, at_ms), price.at(at_ms)
    since = now if status == "ended" and now is not None else shown
    terms = shown.terms or _NOTHING
    return PriceOut(
        price_id=price.price_id,
        model=price.model,
        provider=price.provider,
        tags=price.tags,
        currency=terms.currency,
        per_million=terms.per_million,
        per_inference=terms.per_inference,
        cost_multiplier=terms.cost_multiplier,
        status=status,
        effective_at=from_ms(since.effective_ms),
        scheduled=[_scheduled(one) for one in price.after(at_ms)],
        position=price.position,
        version=price.version,
    )


def _shown(price: PriceState, at_ms: int) -> PriceChange:
    """The change whose terms are shown: the one that counts, else the first to come, else the last that counted."""
    now = price.at(at_ms)
    if now is not None and now.terms is not None:
        return now
    to_come = (one for one in price.after(at_ms) if one.terms is not None)
    before = (one for one in reversed(price.changes) if one.terms is not None)
    return next(to_come, None) or next(before)


def _scheduled(change: PriceChange) -> ScheduledPrice:
    terms = change.terms or _NOTHING
    return ScheduledPrice(
        position=change.position,
        effective_at=from_ms(change.effective_ms),
        currency=terms.currency or None,
        per_million=terms.per_million,
        per_inference=terms.per_inference,
        cost_multiplier=terms.cost_multiplier,
    )
