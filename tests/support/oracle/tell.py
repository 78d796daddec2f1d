"""Tells a whole story to a world."""

from __future__ import annotations

from itertools import groupby

from tests.support.bill_world import World
from tests.support.oracle.price_stories import PricedStory


async def tell(world: World, story: PricedStory) -> None:
    """Empty every table, and write all of a story: its facts and prices, then each batch of what arrived."""
    await world.clear()
    await world.write(story.facts, applied=story.applied)
    await world.write_prices(story.prices)
    for _, arrivals in groupby(story.arrivals, key=lambda arrival: arrival.batch):
        await world.serve([arrival.row for arrival in arrivals if not arrival.gone])
