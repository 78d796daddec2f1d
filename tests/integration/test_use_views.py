"""Late use and contradicted claims: by example, the instants written out, and as a brute-force oracle finds them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from tests.support.bill_world import World, batch, chat, instant, key_facts, uuid7
from tests.support.examples import running
from tests.support.oracle.oracle import Fact
from tests.support.oracle.stories import Story, stories
from tests.support.oracle.use_oracle import oracle_late_use, oracle_tag_conflicts

KEY, SECOND = "keyAAAAAAAA1", "credCCCCCCC3"
NOON = instant("2026-03-01T12:00:00")
LATE = """
SELECT
    toUInt128(inference_id) AS number,
    toUnixTimestamp64Milli(at),
    public_id,
    credential_id,
    toUnixTimestamp64Milli(ended_at),
    reason,
    delay_ms
FROM {database}.late_use
ORDER BY number
"""
CONFLICTS = """
SELECT
    toUInt128(inference_id) AS number,
    toUnixTimestamp64Milli(at),
    public_id,
    tag,
    claimed,
    actual
FROM {database}.tag_conflict
ORDER BY
    number,
    public_id,
    tag
"""


async def late(world: World) -> list[tuple[int, str, int]]:
    """(milliseconds after noon, reason, delay_ms) of every late use."""
    return [(row[1] - NOON, row[5], row[6]) for row in await world.select(LATE)]


async def conflicts(world: World) -> list[tuple[int, str, str, str | None]]:
    """(milliseconds after noon, tag, claimed, actual) of every contradicted claim."""
    return [(row[1] - NOON, *row[3:]) for row in await world.select(CONFLICTS)]


async def use(world: World, *offsets: int, key: str = KEY, **claims: str) -> None:
    """An inference at each of these milliseconds after noon."""
    await world.serve([chat(uuid7(NOON + offset, abs(offset)), key, **claims) for offset in offsets])


async def test_use_after_a_revocation_is_late_by_its_delay_and_use_before_creation_is_not(world: World) -> None:
    await world.write([*key_facts(KEY, 1, NOON), Fact(2, NOON + 100, "key_revoked", KEY)])
    await use(world, -1, 0, 99, 100, 1099)
    assert await late(world) == [(100, "revoked", 0), (1099, "revoked", 999)]


async def test_a_resumption_and_a_later_expiration_end_what_was_late(world: World) -> None:
    """Suspended 10 to 20, the second time within; expired at 30, revived at 40."""
    facts = [
        *key_facts(KEY, 1, NOON, expires_ms=NOON + 30),
        Fact(2, NOON + 10, "suspended", KEY),
        Fact(3, NOON + 15, "suspended", KEY),
        Fact(4, NOON + 20, "resumed", KEY),
        Fact(5, NOON + 40, "key_expiration", KEY, expires_ms=NOON + 90),
    ]
    await world.write(facts)
    await use(world, 9, 10, 19, 20, 29, 30, 39, 40, 89, 90)
    assert await late(world) == [
        (10, "suspended", 0),
        (19, "suspended", 9),
        (30, "expired", 0),
        (39, "expired", 9),
        (90, "expired", 0),
    ]


async def test_a_credential_ends_alone_and_with_its_key_and_the_first_end_counts(world: World) -> None:
    """The first credential ends at 10 after a rotation, the second at 30; the key is revoked at 20."""
    facts = [
        *key_facts(KEY, 1, NOON),
        Fact(2, NOON + 5, "credential_created", KEY, credential_id=SECOND),
        Fact(2, NOON + 5, "credential_expiration", KEY, credential_id=KEY, expires_ms=NOON + 10),
        Fact(3, NOON + 20, "key_revoked", KEY),
        Fact(4, NOON + 30, "credential_revoked", KEY, credential_id=SECOND),
    ]
    await world.write(facts)
    await use(world, 9, 11, 25)
    await use(world, 4, 12, 26, 32, key=SECOND)
    assert await late(world) == [
        (11, "credential_expired", 1),
        (25, "credential_expired", 15),
        (26, "revoked", 6),
        (32, "revoked", 12),
    ]


async def test_use_of_a_credential_before_it_was_made_is_not_late_while_its_key_is_suspended(world: World) -> None:
    """What is outside the key's life for another reason than an end tells nothing of the gateway's latency."""
    facts = [
        *key_facts(KEY, 1, NOON),
        Fact(2, NOON + 10, "suspended", KEY),
        Fact(3, NOON + 20, "credential_created", KEY, credential_id=SECOND),
    ]
    await world.write(facts)
    await use(world, 19, 20, key=SECOND)
    assert await late(world) == [(20, "suspended", 10)]


async def test_what_is_not_applied_or_not_the_gateways_word_is_not_late(world: World) -> None:
    """A revocation that is half written, a batch, an unknown key, no key, and a duplicate of one row."""
    facts = [*key_facts(KEY, 1, NOON), Fact(2, NOON + 10, "key_revoked", KEY), Fact(3, NOON, "suspended", KEY)]
    await world.write(facts, applied=2)
    await use(world, 5, 11, 11, 12)
    await use(world, 13, key="unknownkey99")
    await world.serve([chat(uuid7(NOON + 14, 14), None), batch(uuid7(NOON + 12, 12))])
    assert await late(world) == [(11, "revoked", 1)]


async def test_a_claim_contradicts_the_key_as_of_the_inference(world: World) -> None:
    """The key is acme's until 10, then beta's; the claim of acme is wrong from then on."""
    facts = [
        *key_facts(KEY, 1, NOON, customer_id="acme"),
        Fact(2, NOON + 10, "tag", KEY, tag="customer_id", value="beta"),
    ]
    await world.write(facts)
    await use(world, 9, 10, customer_id="acme", session="7")
    assert await conflicts(world) == [(10, "customer_id", "acme", "beta")]


async def test_a_claim_of_a_tag_that_the_key_lacks_counts_when_some_key_has_it(world: World) -> None:
    """`project_id` is another key's tag, and `env` was this key's once; `session` is nobody's."""
    facts = [
        *key_facts(KEY, 1, NOON, env="test"),
        *key_facts(SECOND, 2, NOON, project_id="p1"),
        Fact(3, NOON + 10, "tag", KEY, tag="env", value=None),
        Fact(4, NOON + 10, "tag", KEY, tag="never_set", value=None),
    ]
    await world.write(facts)
    await use(world, 20, env="test", project_id="p1", session="7", never_set="x")
    assert await conflicts(world) == [(20, "env", "test", None), (20, "project_id", "p1", None)]


async def test_claims_of_batches_of_strangers_and_of_tags_not_yet_applied_contradict_nobody(world: World) -> None:
    facts = [*key_facts(KEY, 1, NOON, env="test"), Fact(2, NOON, "tag", KEY, tag="team", value="a")]
    await world.write(facts, applied=1)
    await use(world, 1, 1, 2, env="prod", team="b")
    await use(world, 3, key="unknownkey99", env="prod")
    await world.serve([chat(uuid7(NOON + 4, 4), None, env="prod"), batch(uuid7(NOON + 2, 2))])
    assert await conflicts(world) == [(1, "env", "prod", "test")]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("examples", [5, pytest.param(100, marks=pytest.mark.long)])
def test_both_views_hold_what_the_oracle_finds(world: World, examples: int) -> None:
    """To the row and the millisecond, whatever happened to keys and whatever the gateway wrote."""
    with running() as run:

        @settings(max_examples=examples)
        @given(story=stories())
        def holds(story: Story) -> None:
            run(_check(world, story))

        holds()


async def _check(world: World, story: Story) -> None:
    await world.clear()
    await world.write(story.facts, applied=story.applied)
    await world.serve(story.rows)
    expected: list[Any] = list(oracle_late_use(story.facts, story.rows, story.applied))
    assert await world.select(LATE) == expected
    expected = list(oracle_tag_conflicts(story.facts, story.rows, story.applied))
    assert await world.select(CONFLICTS) == expected
