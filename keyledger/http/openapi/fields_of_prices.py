"""Fields of prices and their pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

PRICES: Final[Mapping[str, tuple[str, Any]]] = {
    "price_id": ("the price's id", "llama-gold"),
    "Price.model": ("the model that it rates; `*`: any", "llama-3.3-70b"),
    "Price.provider": ("the provider of the model; null: any", "vllm"),
    "Price.tags": ("tags that the key must have at the inference", {"billing_tier": "gold"}),
    "currency": ("the currency, ISO 4217", "EUR"),
    "ScheduledPrice.currency": ("the currency, ISO 4217; null: the price ends then", "EUR"),
    "per_million": ("amounts per million tokens, by what is counted", {"input": "0.15", "output": "0.60"}),
    "per_inference": ("once for each inference; null: nothing", "0.002"),
    "cost_multiplier": ("the recorded cost times this; null: by tokens and inferences", "1.20"),
    "Price.status": (
        "whether it counts at the instant asked for: active, scheduled to count later, or ended",
        "active",
    ),
    "Price.effective_at": (
        "from when the terms shown count; of an ended price, since when it counts no more",
        "2026-03-01T00:00:00.000Z",
    ),
    "scheduled": ("what comes into effect after the instant asked for", None),
    "Price.position": ("the position of the price's last event", 42),
    "ScheduledPrice.position": ("the position of the event", 42),
    "Price.version": ("how many events the price has", 3),
}
