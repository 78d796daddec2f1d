"""Whatever is changed in the journal or in the gateway's tables is found and named, and mended by adding alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from audit.report import Expired, Finding
from audit.verify.journal import JournalCheck
from projections.usage.journal.collecting import Collecting
from projections.usage.journal.mending import Mended, mend
from tests.support.bill_world import World, batch, chat, instant, model, uuid7
from tests.support.ledger.appended import Appended

FIRST, SECOND = instant("2026-03-01T10:00:00.000"), instant("2026-03-02T10:00:00.000")
ONE, TWO, THREE = uuid7(FIRST, 1), uuid7(FIRST, 2), uuid7(SECOND, 3)
MODEL_ONE, MODEL_TWO = uuid7(FIRST + 1, 1), uuid7(FIRST + 1, 2)
BAD = UUID(int=7)
ROWS = [
    chat(ONE, "k", customer="ü"),
    model(MODEL_ONE, ONE),
    model(uuid7(FIRST + 2, 1), ONE, cached=True, model_name="claude"),
    chat(TWO, None),
    model(MODEL_TWO, TWO, cost=None),
    model(MODEL_TWO, TWO, cost=None, input_tokens=11),
    model(uuid7(SECOND, 9), THREE, provider_cache_read_input_tokens=3),
    batch(THREE),
    model(BAD, UUID(int=8)),
]


@dataclass
class Kept:
    """A journal with an anchor, and the means to change what is below it."""

    world: World
    log: Appended

    async def sql(self, statement: str) -> None:
        """Run a statement; {j} and {g} are the databases."""
        names = self.world.names
        statement = statement.replace("{j}", names.database).replace("{g}", names.gateway)
        await self.world.clickhouse.command(statement, settings={"mutations_sync": 2})

    async def found(self) -> list[Finding]:
        """What an audit finds."""
        return [one for one in await self.told() if isinstance(one, Finding)]

    async def told(self) -> list[Any]:
        """All that it says but for its progress."""
        check = JournalCheck(self.world.clickhouse, self.world.names, self.log.position, "")
        return [one async for one in check.parts() if isinstance(one, Finding | Expired)]

    async def mend(self) -> Mended:
        """Mend it."""
        return await mend(await Collecting.begun(self.world.journal))


@pytest.fixture
async def kept(world: World) -> Kept:
    """Two batches, the first of them anchored, and the second."""
    log = Appended(world, 0)
    await world.write([], applied=10)
    for some in (ROWS[:5], ROWS[5:]):
        await world.serve(some)
        await log.anchor()
    return Kept(world, log)


def places(findings: Sequence[Finding], *ids: UUID) -> list[tuple[str, str, list[str]]]:
    """Kind and place of each finding, and which of these ids it names."""
    return [(one.kind, one.where, [str(id_) for id_ in ids if str(id_) in one.detail]) for one in findings]


async def test_a_healthy_journal_has_no_finding(kept: Kept) -> None:
    """Whatever rows there are: late, cached, conflicting, of batches, without an instant, taken twice."""
    assert await kept.told() == []
    await kept.world.serve([ROWS[0], ROWS[5], chat(BAD, "k"), model(BAD, ONE)])
    await kept.world.clickhouse.command(f"OPTIMIZE TABLE {kept.world.names.gateway}.ModelInference FINAL")
    assert await kept.told() == []
    await kept.world.serve([ROWS[1]], collect=False)
    assert await kept.told() == []
    assert await kept.mend() == Mended()
    assert await kept.told() == []


STRANGE = f"VALUES (1, 'ModelInference', toUInt128('{TWO.int}'), 'model', 5, 7, 5)"
CHANGES: dict[str, tuple[str, list[tuple[str, str, list[str]]]]] = {
    "a row of a model is deleted at the gateway": (
        f"ALTER TABLE {{g}}.ModelInference DELETE WHERE id = '{MODEL_ONE}'",
        [("missing", "ModelInference", [str(ONE), str(MODEL_ONE)])],
    ),
    "a row of an inference is deleted at the gateway": (
        f"DELETE FROM {{g}}.ChatInference WHERE id = '{TWO}'",
        [("missing", "ChatInference", [str(TWO)])],
    ),
    "a row of a batch is deleted at the gateway": (
        "ALTER TABLE {g}.BatchIdByInferenceId DELETE WHERE true",
        [("missing", "BatchIdByInferenceId", [str(THREE)])],
    ),
    "a cost is changed at the gateway": (
        f"ALTER TABLE {{g}}.ModelInference UPDATE cost = 0.5 WHERE id = '{MODEL_ONE}'",
        [("changed", "ModelInference", [str(ONE), str(MODEL_ONE)])],
    ),
    "a key is changed at the gateway": (
        f"ALTER TABLE {{g}}.ChatInference UPDATE tags = map('tensorzero::api_key_public_id', 'x') WHERE id = '{TWO}'",
        [("changed", "ChatInference", [str(TWO)])],
    ),
    "a row is taken out of what was taken": (
        f"ALTER TABLE {{j}}.usage_row_v1 DELETE WHERE id = toUInt128('{MODEL_ONE.int}')",
        [
            ("changed", "usage_entry_v1", [str(ONE)]),
            ("missing", "usage_row_v1", [str(ONE), str(MODEL_ONE)]),
        ],
    ),
    "a row is added to what was taken": (
        f"INSERT INTO {{j}}.usage_row_v1 (take, source, number, kind, id, input_tokens, fingerprint) {STRANGE}",
        [("changed", "usage_entry_v1", [str(TWO)]), ("missing", "ModelInference", [str(TWO)])],
    ),
    "figures of a row that was taken are changed": (
        f"ALTER TABLE {{j}}.usage_row_v1 UPDATE input_tokens = 7 WHERE id = toUInt128('{MODEL_ONE.int}')",
        [
            ("changed", "usage_entry_v1", [str(ONE)]),
            ("changed", "ModelInference", [str(ONE), str(MODEL_ONE)]),
        ],
    ),
    "the key of a row that was taken is changed": (
        "ALTER TABLE {j}.usage_row_v1 UPDATE credential_id = 'x' WHERE kind = 'inference' AND credential_id != ''",
        [("changed", "usage_entry_v1", [str(ONE)]), ("changed", "ChatInference", [str(ONE)])],
    ),
    "an entry is deleted": (
        f"ALTER TABLE {{j}}.usage_entry_v1 DELETE WHERE id = toUInt128('{MODEL_ONE.int}')",
        [("missing", "usage_entry_v1", [str(ONE)]), ("changed", "usage_entry_v1", [])],
    ),
    "the figures of an entry are changed": (
        f"ALTER TABLE {{j}}.usage_entry_v1 UPDATE cost_usd = 0 WHERE id = toUInt128('{MODEL_ONE.int}')",
        [("changed", "usage_entry_v1", [str(ONE)]), ("changed", "usage_entry_v1", [])],
    ),
    "an entry is written twice": (
        f"INSERT INTO {{j}}.usage_entry_v1 SELECT * FROM {{j}}.usage_entry_v1 WHERE id = toUInt128('{BAD.int}')",
        [("extra", "usage_entry_v1", [str(UUID(int=8))]), ("changed", "usage_entry_v1", [])],
    ),
    "an entry comes in a batch of nobody's": (
        "INSERT INTO {j}.usage_entry_v1 SELECT * REPLACE (99 AS batch) FROM {j}.usage_entry_v1 WHERE sign > 0 LIMIT 1",
        [("extra", "usage_entry_v1", [])],
    ),
    "all entries are lost": (
        "TRUNCATE TABLE {j}.usage_entry_v1",
        [("missing", "usage_entry_v1", [str(one)]) for one in (UUID(int=8), ONE, TWO, THREE)]
        + [("changed", "usage_entry_v1", [])] * 3,
    ),
}
ALL = (ONE, TWO, THREE, UUID(int=8), MODEL_ONE, MODEL_TWO)


SHORT = {"a cost is changed at the gateway", "a row is taken out of what was taken", "an entry is deleted"}


@pytest.mark.parametrize(
    "change", [one if one in SHORT else pytest.param(one, marks=pytest.mark.long) for one in CHANGES]
)
async def test_what_was_changed_is_found_and_named_and_mended_by_adding(kept: Kept, change: str) -> None:
    """The bill is then what a fresh collection of the gateway's rows gives; nothing is deleted."""
    statement, expected = CHANGES[change]
    await kept.sql(statement)
    found = places(await kept.found(), *ALL)
    assert found == [(kind, where, [str(id_) for id_ in ALL if str(id_) in ids]) for kind, where, ids in expected]

    entries = await kept.world.select("SELECT count() FROM {database}.usage_entry_v1")
    await kept.mend()
    assert await kept.world.select("SELECT count() FROM {database}.usage_entry_v1") >= entries
    anchors = [one for one in expected if one[0] == "changed" and one[1] == "usage_entry_v1" and not one[2]]
    assert len(await kept.found()) == len(anchors)  # what was anchored of the past is not what it was
    mended = await kept.world.bill()
    assert await kept.mend() == Mended()
    await kept.world.lose_journal()
    await kept.world.collect()
    fresh = await kept.world.bill()
    assert {**mended, "usage": {**mended["usage"], "anchored_at": None}} == fresh


async def test_a_row_that_its_own_table_let_expire_is_no_finding_and_stays_in_the_bill(kept: Kept) -> None:
    """It is said how many there are. One that is younger than what is left was removed by somebody."""
    await kept.sql("ALTER TABLE {g}.ModelInference MODIFY TTL timestamp + INTERVAL 50 YEAR")
    try:
        bill = await kept.world.bill()
        await kept.sql(f"ALTER TABLE {{g}}.ModelInference DELETE WHERE id IN ('{MODEL_ONE}', '{MODEL_TWO}')")
        (told,) = await kept.told()
        assert isinstance(told, Expired)
        assert (told.table, told.rows) == ("ModelInference", 4)  # the one without an instant has expired indeed
        assert told.until is not None
        await kept.mend()
        assert await kept.world.bill() == bill
        await kept.sql(f"ALTER TABLE {{g}}.ModelInference DELETE WHERE inference_id = '{THREE}'")
        assert [one.kind for one in await kept.found()] == ["missing"]
    finally:
        await kept.sql("ALTER TABLE {g}.ModelInference REMOVE TTL")


async def test_a_lost_journal_is_collected_again(kept: Kept) -> None:
    """Nothing is a finding: its rows wait to be collected, and the anchors of before are of another journal."""
    bill = await kept.world.bill()
    await kept.world.lose_journal()
    assert await kept.told() == []
    await kept.mend()
    fresh = await kept.world.bill()
    assert fresh["lines"] == bill["lines"]
    assert fresh["usage"]["fingerprint"] == bill["usage"]["fingerprint"]
