"""The ledger in ClickHouse: the applied position, idempotent writes, look-ups, and errors that tell what to do."""

from __future__ import annotations

import asyncio
import gc
import weakref
from datetime import UTC, datetime
from uuid import UUID

import pytest

from projections.engine import ddl
from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from projections.errors import BadIdentifier, ClickHouseRefused, ClickHouseUnavailable
from projections.ledger.store import Store
from registry.log.log_position import NOWHERE, LogPosition
from tests.support.bill_world import World, instant, key_facts
from tests.support.oracle.oracle import Fact, oracle_intervals

KEY = "keyAAAAAAAA1"
NOON = instant("2026-03-01T12:00:00")
RECORDED = datetime(2026, 3, 1, 12, tzinfo=UTC)
EVENT = tuple[int, str, str, str, datetime]


def event(position: int, *, log: str = "log", hash_: str | None = None) -> EVENT:
    """An applied event whose hash, unless said, the next event names."""
    return position, log, f"h{position - 1}", hash_ or f"h{position}", RECORDED


def store(world: World, checkpoint_every: int = 10_000) -> Store:
    """The projector's store."""
    return Store(world.clickhouse, world.names, checkpoint_every=checkpoint_every)


async def test_nothing_applied_is_position_zero(world: World) -> None:
    """There is always an answer."""
    assert await store(world).applied() == NOWHERE


async def test_the_applied_position_waits_for_the_event_that_is_missing(world: World) -> None:
    """Events that came early count when the hole is filled, whatever the order of arrival."""
    ledger = store(world)
    log = str(UUID(int=7))
    await ledger.insert_applied([event(4, log=log, hash_="0a0b"), event(1, log=log), event(2, log=log)])
    assert (await ledger.applied()).position == 2
    await ledger.insert_applied([event(3, log=log), event(2, log=log)])
    assert await ledger.applied() == LogPosition(UUID(log), 4, b"\x0a\x0b")


@pytest.mark.parametrize("checkpoint_every", [1, 10_000])
@pytest.mark.parametrize(
    ("forged", "frontier"),
    [
        (event(2, hash_="other"), 1),  # another event at a position that is taken
        (event(2, log="restored"), 1),  # the same position of another log
        ((4, "log", "no such", "h4", RECORDED), 3),  # an event that follows another one
        ((4, "restored", "h3", "h4", RECORDED), 3),  # an event of another log
    ],
)
async def test_a_break_in_the_chain_stops_the_applied_position(
    world: World, checkpoint_every: int, forged: EVENT, frontier: int
) -> None:
    """With checkpoints and without, also when the contradiction comes after the checkpoint was made."""
    ledger = store(world, checkpoint_every)
    await ledger.insert_applied([event(1), event(2), event(3)])
    await ledger.insert_applied([forged, event(5)])
    assert (await ledger.applied()).position == frontier


async def test_a_checkpoint_that_the_events_do_not_bear_out_is_ignored(world: World) -> None:
    """It is a short cut, and no source of truth."""
    ledger = store(world, 1)
    await ledger.insert_applied([event(1), event(2)])
    await world.clickhouse.command(f"TRUNCATE TABLE {world.names.database}.event_applied_v1")
    await store(world).applied()
    assert (await store(world).applied()).position == 0


async def test_writing_everything_twice_changes_nothing(world: World) -> None:
    """A projector that was killed writes its batch again, in another cut."""
    facts = [
        *key_facts(KEY, 1, NOON, customer_id="acme"),
        Fact(2, NOON + 5, "tag", KEY, tag="customer_id", value="beta"),
    ]
    await world.write(facts)
    once = await world.intervals(2**64 - 1)
    await world.write(facts[:2], applied=0)
    await world.write(facts)
    assert await world.intervals(2**64 - 1) == once
    assert await world.select("SELECT count() FROM {database}.key_tag_change") == [(2,)]
    assert await world.select("SELECT count() FROM {database}.event_applied") == [(2,)]


async def test_twenty_thousand_edits_of_one_key_are_twenty_thousand_intervals(world: World) -> None:
    """Comparing each edit with each boundary would be 400 million steps: this must stay near linear."""
    facts = key_facts(KEY, 1, NOON)
    facts += [Fact(i, NOON + i, "tag", KEY, tag=f"tag{i % 40}", value=f"v{i}") for i in range(2, 20_002)]
    await world.write(facts)
    async with asyncio.timeout(60):
        rows = await world.intervals(2**64 - 1)
    assert len(rows) == 20_001
    last = {f"tag{i % 40}": f"v{i}" for i in range(20_001 - 39, 20_002)}
    assert rows[-1] == (KEY, NOON + 20_001, None, last)
    assert rows[500][3] == {f"tag{i % 40}": f"v{i}" for i in range(501 - 39, 502)}


async def test_twenty_thousand_tags_that_come_and_go_stay_cheap_too(world: World) -> None:
    """Every edit has a tag of its own: names times boundaries would be 400 million steps."""
    facts = key_facts(KEY, 1, NOON)
    for i in range(2, 10_002):
        facts.append(Fact(i, NOON + i, "tag", KEY, tag=f"tag{i}", value="x"))
        facts.append(Fact(i, NOON + i, "tag", KEY, tag=f"tag{i - 3}", value=None))
    await world.write(facts)
    async with asyncio.timeout(60):
        rows = await world.intervals(2**64 - 1)
    assert len(rows) == 10_001
    assert rows[-1][3] == {f"tag{i}": "x" for i in (9_999, 10_000, 10_001)}


async def test_look_ups_tell_no_tags_from_no_key(world: World) -> None:
    """keyTags is empty for both; keyKnown says which. Every credential leads to its key."""
    facts = [
        *key_facts(KEY, 1, NOON),
        Fact(2, NOON + 10, "tag", KEY, tag="customer_id", value='a "b" ü'),
        Fact(3, NOON + 20, "tag", KEY, tag="customer_id", value=None),
        Fact(4, NOON + 20, "credential_created", KEY, credential_id="credential2X"),
    ]
    await world.write(facts)
    await store(world).reload_dictionary()
    for id_ in (KEY, "credential2X"):
        rows = await world.select(
            "SELECT keyKnown({id:String}, at), keyTags({id:String}, at), keyTag({id:String}, 'customer_id', at) "
            "FROM (SELECT fromUnixTimestamp64Milli({noon:Int64} + arrayJoin([-1, 0, 9, 10, 19, 20]), 'UTC') AS at)",
            id=id_,
            noon=NOON,
        )
        had = {"customer_id": 'a "b" ü'}
        assert [row[0] for row in rows] == [0, 1, 1, 1, 1, 1]
        assert [row[1] for row in rows] == [{}, {}, {}, had, had, {}]
        assert [row[2] for row in rows] == [None, None, None, 'a "b" ü', 'a "b" ü', None]
    assert await world.select("SELECT keyKnown('nobody', '2026-03-02 00:00:00')") == [(0,)]


async def test_intervals_tell_the_position_that_opened_them(world: World) -> None:
    """The twin of key_tag_interval has the position of the last event that counted at the interval's beginning."""
    facts = [
        *key_facts(KEY, 1, NOON, env="test"),
        Fact(2, NOON + 5, "tag", KEY, tag="env", value="prod"),
        Fact(3, NOON + 5, "tag", KEY, tag="team", value="a"),
    ]
    await world.write(facts)
    rows = await world.select("SELECT position, tags FROM {database}.key_tag_interval_position ORDER BY valid_from")
    assert rows == [(1, {"env": "test"}), (3, {"env": "prod", "team": "a"})]
    assert await world.intervals(2) == oracle_intervals(facts, 2)


async def test_applying_the_ddl_again_keeps_every_row(world: World) -> None:
    """It runs at every start."""
    await world.write(key_facts(KEY, 1, NOON, env="prod"))
    await ddl.apply(world.clickhouse, world.names, gateway_tables=True)
    assert len(await world.intervals(2**64 - 1)) == 1


class Text(str):
    """Text that can be asked whether it is still held."""

    __slots__ = ("__weakref__",)


async def test_what_was_written_is_held_no_longer(world: World) -> None:
    """A projector looks for garbage so seldom that rows kept till then would be most of its memory."""
    ledger, hashes = store(world), [Text("h1"), Text("h2")]
    held = [weakref.ref(one) for one in hashes]
    gc.disable()
    try:
        await ledger.insert_applied([(1, "log", "h0", hashes[0], RECORDED), (2, "log", "h1", hashes[1], RECORDED)])
        hashes.clear()
        assert [one() for one in held] == [None, None]
    finally:
        gc.enable()
    assert (await ledger.applied()).position == 2


async def test_wrong_sql_is_refused_and_quotes_nothing(clickhouse: ClickHouse) -> None:
    """The message has the engine's code and name; its text would quote the statement and its values."""
    with pytest.raises(ClickHouseRefused, match="UNKNOWN_IDENTIFIER") as refused:
        await clickhouse.query("SELECT secret_thing")
    assert refused.value.code == 47
    assert "secret" not in str(refused.value)


async def test_a_table_that_changes_between_two_inserts_gets_right_rows_or_none(world: World) -> None:
    """The client knows the columns' types from before; after a failure it asks again."""
    table, columns = f"{world.names.database}.changing", ["a", "n"]
    made = f"CREATE OR REPLACE TABLE {table} (a UInt64, n %s) ENGINE = MergeTree ORDER BY a"
    await world.clickhouse.command(made % "UInt32")
    await world.clickhouse.insert(table, [(1, 7)], columns)
    await world.clickhouse.command(f"ALTER TABLE {table} ADD COLUMN b UInt64 DEFAULT a * 10 FIRST")
    await world.clickhouse.command(f"ALTER TABLE {table} MODIFY COLUMN n Nullable(Int64)")
    await world.clickhouse.insert(table, [(2, 8)], columns)
    assert await world.clickhouse.query(f"SELECT * FROM {table} ORDER BY a") == [(10, 1, 7), (20, 2, 8)]
    await world.clickhouse.command(f"DROP TABLE {table}")
    with pytest.raises(ClickHouseRefused):
        await world.clickhouse.insert(table, [(3, 9)], columns)
    await world.clickhouse.command(made % "Array(String)")
    await world.clickhouse.insert(table, [(3, ["x"])], columns)
    assert await world.clickhouse.query(f"SELECT * FROM {table}") == [(3, ["x"])]
    await world.clickhouse.command(f"DROP TABLE {table}")


async def test_a_server_that_is_not_there_may_be_tried_again() -> None:
    """Nothing listens on port 1 of this machine."""
    absent = ClickHouse("http://nobody:nothing@127.0.0.1:1")
    with pytest.raises(ClickHouseUnavailable):
        await absent.query("SELECT 1")
    await absent.close()


@pytest.mark.parametrize("name", ["", "a b", "a`b", "1a", "a.b", "ä", "x" * 65])
def test_a_database_name_that_needs_quoting_is_refused(name: str) -> None:
    """Names of databases are the one thing that is put into statements."""
    with pytest.raises(BadIdentifier):
        Names(database=name)
