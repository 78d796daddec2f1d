"""The price book. Amounts are exact."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

PriceStatus = Literal["active", "scheduled", "ended"]


class ScheduledPrice(msgspec.Struct, frozen=True):
    """A change of a price that is to come; without a currency it ends."""

    position: int
    effective_at: datetime
    currency: str | None
    per_million: dict[str, Decimal]
    per_inference: Decimal | None
    cost_multiplier: Decimal | None


class Price(msgspec.Struct, frozen=True):
    """A price: its terms at an instant, and what is to come."""

    price_id: str
    model: str
    provider: str | None
    tags: dict[str, str]
    currency: str
    per_million: dict[str, Decimal]
    per_inference: Decimal | None
    cost_multiplier: Decimal | None
    status: PriceStatus
    effective_at: datetime
    scheduled: list[ScheduledPrice]
    position: int
    version: int
