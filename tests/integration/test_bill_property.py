"""Whatever happened to keys and whatever the gateway wrote, bills equal the brute-force oracle's at every position."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.bill_world import World
from tests.support.examples import running
from tests.support.oracle.oracle import EPOCH, oracle_bill, oracle_intervals
from tests.support.oracle.stories import BASE, KEYS, SPARE, Story, stories

ALL_KNOWN = 2**64 - 1
GROUP_BYS = (
    (),
    ("customer_id",),
    ("customer_id", "env"),
    ("model",),
    ("provider",),
    ("customer_id", "model", "provider"),
    ("function", "hour"),
    ("env", "day", "month", "model"),
)
BY_CUSTOMER = """
SELECT *
FROM {database}.bill(
    tag = 'customer_id', since = {since:String}, until = {until:String}, known_at = {known_at:UInt64}
)
"""
COVERAGE = """
SELECT *
FROM {database}.coverage(since = {since:String}, until = {until:String}, known_at = {known_at:UInt64})
"""
questions = st.tuples(
    st.sampled_from(GROUP_BYS),
    st.sampled_from([(), (), (("customer_id", "acme"),), (("env", "ü b"), ("customer_id", "beta"))]),
    st.tuples(st.integers(-1, 21), st.integers(-1, 21)).map(sorted).map(lambda pair: (pair[0], pair[1] + 1)),
    st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns"]),
    st.sampled_from([None, None, KEYS[0], KEYS[1], SPARE[0], "nobodyXXXXXX"]),
)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("half", ["one", pytest.param("other", marks=pytest.mark.long)])  # of ten stories
def test_bills_coverage_and_intervals_equal_the_oracle_at_every_position(world: World, half: str) -> None:
    """Current and as known at any past position: to the cent, the row and the millisecond."""
    assert half
    _search(world, 5, positions=1)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_bills_coverage_and_intervals_equal_the_oracle_in_a_hundred_more_stories(world: World) -> None:
    """The same at each position, for as long as it is worth waiting."""
    _search(world, 100, positions=None)


def _search(world: World, examples: int, *, positions: int | None) -> None:
    """Look for a story that does not hold, now and at so many past positions, or at each; the views at fewer."""
    with running() as run:

        @settings(max_examples=examples)
        @given(story=stories(), asked=st.lists(questions, min_size=3, max_size=3), chance=st.randoms())
        def holds(story: Story, asked: list[Any], chance: Random) -> None:
            every: list[int | None] = [None, *range(story.applied)]
            viewed = {None, *every[-1:]}
            if positions is not None:
                every = [None, *chance.sample(every[1:], min(positions, story.applied))]
                viewed = {chance.choice(every)}
            run(_check(world, story, asked, every, viewed))

        holds()


async def _check(
    world: World, story: Story, asked: Sequence[Any], every: Sequence[int | None], viewed: Collection[int | None]
) -> None:
    await world.clear()
    await world.write(story.facts, applied=story.applied)
    await world.serve(story.rows)
    checks = [_check_bill(world, story, known_at, asked[i % len(asked)]) for i, known_at in enumerate(every)]
    checks += [_check_intervals(world, story, known_at) for known_at in every]
    checks += [_check_views(world, story, known_at, asked[0][2]) for known_at in viewed]
    await asyncio.gather(*checks)


async def _check_bill(world: World, story: Story, known_at: int | None, question: Any) -> None:
    group_by, tags, (since, until), time_zone, key = question
    expected = oracle_bill(
        story.facts,
        story.rows,
        group_by=group_by,
        since_ms=BASE + since,
        until_ms=BASE + until,
        known_at=story.applied if known_at is None else known_at,
        tags=tags,
        time_zone=time_zone,
        key=key,
    )
    bill = await world.bill(
        applied=story.applied,
        group_by=group_by,
        since=_datetime(since),
        until=_datetime(until),
        known_at=known_at,
        tags=tags,
        time_zone=time_zone,
        key=key,
    )
    assert len(bill["usage"].pop("fingerprint")) == 32
    assert (bill["usage"].pop("uncollected"), bill["usage"].pop("anchored_at")) == (0, None)
    assert {part: bill[part] for part in expected} == expected


async def _check_intervals(world: World, story: Story, known_at: int | None) -> None:
    position = story.applied if known_at is None else known_at
    assert await world.intervals(ALL_KNOWN if known_at is None else known_at) == oracle_intervals(story.facts, position)


async def _check_views(world: World, story: Story, known_at: int | None, period: tuple[int, int]) -> None:
    expected = oracle_bill(
        story.facts,
        story.rows,
        group_by=("customer_id",),
        since_ms=BASE + period[0],
        until_ms=BASE + period[1],
        known_at=story.applied if known_at is None else known_at,
    )
    bounds = {
        "since": f"{_datetime(period[0]):%Y-%m-%d %H:%M:%S.%f}"[:-3],
        "until": f"{_datetime(period[1]):%Y-%m-%d %H:%M:%S.%f}"[:-3],
        "known_at": ALL_KNOWN if known_at is None else known_at,
    }
    bill = await world.select(BY_CUSTOMER, **bounds)
    assert [_row(row) for row in bill] == [_row([*line["by"].values(), *_figures(line)]) for line in expected["lines"]]
    coverage = await world.select(COVERAGE, **bounds)
    assert [_row(row) for row in coverage] == [
        _row([bucket["bucket"], *_figures(bucket)]) for bucket in expected["coverage"]
    ]


def _figures(line: dict[str, Any]) -> list[Any]:
    return [value for name, value in line.items() if name not in ("by", "bucket", "charges", "unrated")]


def _row(row: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(Decimal(value) if number == 8 and value is not None else value for number, value in enumerate(row))


def _datetime(offset: int) -> datetime:
    return EPOCH + timedelta(milliseconds=BASE + offset)
