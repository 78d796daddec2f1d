"""In whatever batches usage arrives: a bill at an anchor is the oracle's over what had arrived, then and ever after."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.errors import UsageNotProved
from tests.support.bill_world import World
from tests.support.examples import running
from tests.support.ledger.appended import Appended
from tests.support.oracle.arrivals import cut
from tests.support.oracle.oracle import EPOCH, Row, oracle_bill
from tests.support.oracle.stories import BASE, Story, stories

GROUP_BYS = ((), ("customer_id",), ("model", "provider"), ("function", "hour"))
Known = tuple[dict[str, Any], dict[str, Any]]
questions = st.tuples(
    st.sampled_from(GROUP_BYS),
    st.tuples(st.integers(-1, 21), st.integers(-1, 21)).map(sorted).map(lambda pair: (pair[0], pair[1] + 1)),
)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("examples", [2, pytest.param(40, marks=pytest.mark.long)])
def test_a_bill_at_an_anchor_is_the_oracles_and_stays_so(world: World, examples: int) -> None:
    """After later arrivals, and after the journal was lost and collected again, or it is refused then."""
    with running() as run:

        @settings(max_examples=examples)
        @given(story=stories(), asked=questions, chance=st.randoms())
        def holds(story: Story, asked: Any, chance: Random) -> None:
            run(_check(world, story, asked, chance))

        holds()


async def _check(world: World, story: Story, asked: Any, chance: Random) -> None:
    await world.clear()
    last = story.facts[-1].position
    await world.write(story.facts, applied=last + 10)
    appended = Appended(world, last)
    came: list[Row] = []
    known: list[Known] = []
    arrivals = cut(story.rows, chance)
    for number in range(1, 7):
        arrived = [one.row for one in arrivals if one.batch == number]
        came += arrived
        await world.serve(arrived)
        if came and (number == 6 or chance.random() < 0.5):
            await appended.anchor()
            question = _question(asked, chance.randint(0, last), appended.positions[-1])
            bill = await world.bill(applied=last + 10, **question)
            _assert_oracle(story, came, asked, question["known_at"], bill)
            known.append((question, bill))
    for question, bill in known:
        assert await world.bill(applied=last + 10, **question) == bill
    await world.lose_journal()
    await world.collect()
    await _assert_same_or_refused(world, known, last + 10)


def _question(asked: Any, known_at: int, usage_known_at: int) -> dict[str, Any]:
    group_by, (since, until) = asked
    return {
        "group_by": group_by,
        "since": EPOCH + timedelta(milliseconds=BASE + since),
        "until": EPOCH + timedelta(milliseconds=BASE + until),
        "known_at": known_at,
        "usage_known_at": usage_known_at,
    }


def _assert_oracle(story: Story, came: Sequence[Row], asked: Any, known_at: int, bill: dict[str, Any]) -> None:
    group_by, (since, until) = asked
    expected = oracle_bill(
        story.facts, came, group_by=group_by, since_ms=BASE + since, until_ms=BASE + until, known_at=known_at
    )
    usage = expected.pop("usage")
    assert {part: bill[part] for part in expected} == expected
    assert {part: bill["usage"][part] for part in usage} == usage
    assert (bill["usage"]["uncollected"], bill["usage"]["anchored_at"]) == (0, bill["usage_known_at"])


async def _assert_same_or_refused(world: World, known: Sequence[Known], applied: int) -> None:
    """The last anchor has all rows: that bill is the same for certain."""
    for number, (question, bill) in enumerate(known, start=1):
        try:
            assert await world.bill(applied=applied, **question) == bill
        except UsageNotProved:
            assert number < len(known)
