"""A bill that is made of what the one before was made of, and of what came since, is the bill made of everything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.billing.bill import compute_bill
from projections.billing.query import BillQuery
from projections.billing.recent_bills import RecentBills
from tests.support.bill_world import World
from tests.support.examples import running
from tests.support.oracle.oracle import EPOCH
from tests.support.oracle.price_stories import PricedStory, priced_stories
from tests.support.oracle.stories import BASE, KEYS

GROUP_BYS = ((), ("customer_id",), ("model",), ("customer_id", "model", "provider"), ("env", "hour"))
TAGS = ((), (("customer_id", "acme"),), (("customer_id", "acme"), ("env", "prod")), (("customer_id", "nobody"),))
questions = st.tuples(
    st.sampled_from(GROUP_BYS),
    st.sampled_from(TAGS),
    st.tuples(st.integers(-1, 21), st.integers(-1, 21)).map(sorted).map(lambda pair: (pair[0], pair[1] + 1)),
    st.sampled_from((None, None, None, *KEYS)),
)


@pytest.mark.timeout(600)
def test_a_bill_grows_by_each_batch_and_position_to_the_bill_of_everything(world: World) -> None:
    _search(world, 3)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_bill_grows_in_many_more_stories(world: World) -> None:
    _search(world, 60)


def _search(world: World, examples: int) -> None:
    with running() as run:

        @settings(max_examples=examples)
        @given(story=priced_stories(), asked=st.lists(questions, min_size=2, max_size=2), chance=st.randoms())
        def holds(story: PricedStory, asked: list[Any], chance: Random) -> None:
            first, second = (_query(*one) for one in asked)
            run(_check(world, story, [first, _coarser(first), second], chance))

        holds()


async def _check(world: World, story: PricedStory, asked: Sequence[BillQuery], chance: Random) -> None:
    await world.clear()
    await world.write(story.facts, applied=story.applied)
    await world.write_prices(story.prices)
    recent, position = RecentBills(world.clickhouse, world.names), 0
    for _, arrivals in groupby(story.arrivals, key=lambda arrival: arrival.batch):
        await world.serve([arrival.row for arrival in arrivals if not arrival.gone])
        position = chance.randint(position, story.applied)
        for query in asked:
            made, right = await _bill(world, query, position, recent), await _bill(world, query, position, None)
            differing = [name for name in vars(right) if getattr(made, name) != getattr(right, name)]
            assert differing == [], (query, made, right)


async def _bill(world: World, query: BillQuery, position: int, recent: RecentBills | None) -> Any:
    return await compute_bill(world.clickhouse, world.names, query, position, recent=recent)


def _query(
    group_by: tuple[str, ...], tags: tuple[tuple[str, str], ...], period: tuple[int, int], key: str | None
) -> BillQuery:
    since, until = (_datetime(offset) for offset in period)
    return BillQuery(group_by, since, until, tags=tags, key=key)


def _coarser(query: BillQuery) -> BillQuery:
    """What can be added up from the groups of another question."""
    return replace(query, group_by=tuple(name for name in query.group_by if name in {"model", "provider"}), tags=())


def _datetime(offset: int) -> datetime:
    return EPOCH + timedelta(milliseconds=BASE + offset)
