"""Whatever happened to keys and prices, and however rows arrived, bills with charges equal the brute-force oracle's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.bill_world import World
from tests.support.examples import running
from tests.support.oracle.oracle import EPOCH, oracle_bill
from tests.support.oracle.price_stories import PricedStory, priced_stories
from tests.support.oracle.stories import BASE
from tests.support.oracle.tell import tell

GROUP_BYS = ((), ("customer_id",), ("model",), ("customer_id", "model", "provider"), ("env", "hour", "provider"))
questions = st.tuples(
    st.sampled_from(GROUP_BYS),
    st.sampled_from([(), (), (("customer_id", "acme"),)]),
    st.tuples(st.integers(-1, 21), st.integers(-1, 21)).map(sorted).map(lambda pair: (pair[0], pair[1] + 1)),
)


@pytest.fixture(params=["each_entry", "sums_first", "sums_first_and_many_moving"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bill is made in three ways, by how much there is and how much of it changes: each must hold."""
    if request.param != "each_entry":
        monkeypatch.setattr("projections.billing.statement.ways._MANY", 0)
        monkeypatch.setattr("projections.billing.statement.ways._STEADY", 0)
    if request.param == "sums_first_and_many_moving":
        monkeypatch.setattr("projections.billing.statement.ways.FEW", 0)


@pytest.mark.timeout(600)
def test_charges_equal_the_oracle_however_rows_arrive(world: World) -> None:
    """Prices with every selector, backdated, ended, future ones; rows late, twice, changed, in any cut of batches."""
    _search(world, 3, positions=2)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_charges_equal_the_oracle_in_many_more_stories(world: World) -> None:
    """The same at each position."""
    _search(world, 50, positions=None)


def _search(world: World, examples: int, *, positions: int | None) -> None:
    with running() as run:

        @settings(max_examples=examples)
        @given(story=priced_stories(), asked=st.lists(questions, min_size=3, max_size=3), chance=st.randoms())
        def holds(story: PricedStory, asked: list[Any], chance: Random) -> None:
            every: list[int | None] = [None, *range(story.applied)]
            if positions is not None:
                every = [None, *chance.sample(every[1:], min(positions, story.applied))]
            run(_check(world, story, asked, every))

        holds()


async def _check(world: World, story: PricedStory, asked: Sequence[Any], every: Sequence[int | None]) -> None:
    await tell(world, story)
    for number, known_at in enumerate(every):
        await _check_bill(world, story, known_at, asked[number % len(asked)], story.rows)


async def _check_bill(
    world: World, story: PricedStory, known_at: int | None, question: Any, rows: Sequence[Any]
) -> None:
    group_by, tags, (since, until) = question
    expected = oracle_bill(
        story.facts,
        rows,
        group_by=group_by,
        since_ms=BASE + since,
        until_ms=BASE + until,
        known_at=story.applied if known_at is None else known_at,
        tags=tags,
        prices=story.prices,
    )
    bill = await world.bill(
        applied=story.applied,
        group_by=group_by,
        since=_datetime(since),
        until=_datetime(until),
        known_at=known_at,
        tags=tags,
    )
    assert len(bill["usage"].pop("fingerprint")) == 32
    assert {part: bill[part] for part in expected if part != "usage"} == {
        part: of for part, of in expected.items() if part != "usage"
    }
    assert {name: bill["usage"][name] for name in ("rows", "seen_until", "conflicting_duplicates")} == {
        name: expected["usage"][name] for name in ("rows", "seen_until", "conflicting_duplicates")
    }


def _datetime(offset: int) -> datetime:
    return EPOCH + timedelta(milliseconds=BASE + offset)
