"""Prices that tie, set by writers that race."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from registry.errors import Conflict
from registry.log.event_log import Caller, EventLog
from registry.prices.commands import When
from registry.prices.service import PriceAnswer, PriceService
from registry.prices.terms import NewPrice, Terms

CALLER = Caller("operator")
TERMS = Terms("EUR", {"input": "0.15"}, None, None)


def rival(number: int, **tags: str) -> NewPrice:
    """One of many prices of a model, which tie unless a tag keeps them apart."""
    return NewPrice(f"rival-{number}", "llama", None, tags, TERMS)


async def race(logs: Sequence[EventLog], count: int) -> list[int]:
    """Set so many prices that tie, at once, by one log after the other; returns the numbers of those that were set."""

    async def attempt(number: int) -> PriceAnswer | Conflict:
        try:
            return await PriceService(logs[number % len(logs)]).set(rival(number), When(), CALLER)
        except Conflict as refused:
            return refused

    answers = await asyncio.gather(*map(attempt, range(count)))
    return [number for number, answer in enumerate(answers) if isinstance(answer, PriceAnswer)]
