"""The facts about prices in the log. Pure values."""

from __future__ import annotations

from registry.keys.events import Event


class PriceSet(Event, frozen=True):
    """A price has these amounts, from the event's instant of effect until the price's next event.

    Model, provider and tags say what it rates, and are the same in every event of the price: `*` is any model, None any
    provider. Amounts are plain decimal texts, those of `per_million` by what is counted: `input`, `output`,
    `cache_read`, `cache_write`, `cached_input`, `cached_output`.
    """

    price_id: str
    model: str
    provider: str | None
    tags: dict[str, str]
    currency: str
    per_million: dict[str, str]
    per_inference: str | None
    cost_multiplier: str | None


class PriceEnded(Event, frozen=True):
    """A price rates nothing, from the event's instant of effect until the price is set again."""

    price_id: str
    model: str
    provider: str | None
    tags: dict[str, str]
    currency: str


def price_stream(price_id: str) -> str:
    """The stream of a price."""
    return f"price-{price_id}"
