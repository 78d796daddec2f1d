"""A replay gives the rows that the live ledger has, wherever it was interrupted, and names what is wrong with those."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from audit.errors import ReplayRunning, TargetUnfit
from audit.replay import compare_ledgers, replay
from audit.replay.exclusive import alone
from projections.billing.bill import compute_bill
from projections.billing.query import BillQuery
from projections.engine.client import ClickHouse
from projections.errors import ClickHouseRefused
from projections.ledger.store import Store
from registry.errors import FieldsRefused
from tests.support.audit.books_world import HEAD, Tampered
from tests.support.audit.replay_world import BATCH, Dies, ShadowWorld
from tests.support.bill_world import World, chat, model, uuid7


@pytest.fixture
async def shadow(tampered: Tampered) -> AsyncIterator[ShadowWorld]:
    """A second ledger of the books, not made yet."""
    made = ShadowWorld(tampered.books, f"{tampered.books.names.database}_again")
    yield made
    await tampered.books.clickhouse.command(f"DROP DATABASE IF EXISTS {made.target}")


async def test_a_replay_to_the_head_is_the_live_ledger_row_for_row(shadow: ShadowWorld) -> None:
    findings, end = await shadow.replay(batch=BATCH)
    assert findings == []
    assert end == replay.Replayed(shadow.target, HEAD, HEAD, 0, switched=False, live_position=HEAD)
    assert await shadow.replayed() == await shadow.live()
    assert all(await shadow.replayed())


async def test_a_replay_to_a_position_has_all_up_to_it_and_nothing_after(shadow: ShadowWorld) -> None:
    for until in (0, 1, 60, HEAD):
        findings, end = await shadow.replay(until, batch=BATCH)
        assert (findings, end.position, end.compared) == ([], until, until)
        assert await shadow.replayed() == await shadow.live(until)
    with pytest.raises(TargetUnfit, match=f"up to position {HEAD}"):
        await shadow.replay(60)


async def test_interrupted_anywhere_and_begun_again_it_is_the_same(shadow: ShadowWorld) -> None:
    rng = Random(6)
    while await shadow.interrupted(rng.randrange(1, 5)):
        applied = (await Store(shadow.books.clickhouse, shadow.names).applied()).position
        assert applied % BATCH == 0 or applied == HEAD  # whole batches
    assert await shadow.replayed() == await shadow.live()


async def test_cancelled_it_leaves_nothing_that_stands_in_its_way(shadow: ShadowWorld) -> None:
    for moments in range(1, 40, 3):
        going = asyncio.create_task(shadow.replay())
        for _ in range(moments):
            await asyncio.sleep(0)
        going.cancel()
        await asyncio.wait({going})
    assert (await shadow.replay())[0] == []
    assert await shadow.replayed() == await shadow.live()


@pytest.mark.parametrize(
    ("table", "after"),
    [
        ("key_tag_change_v1", False),
        ("event_applied_v1", True),
        ("replay_v1", False),
        pytest.param("key_tag_change_v1", True, marks=pytest.mark.long),
        pytest.param("event_applied_v1", False, marks=pytest.mark.long),
        pytest.param("key_life_v1", True, marks=pytest.mark.long),
        pytest.param("key_life_v1", False, marks=pytest.mark.long),
        pytest.param("replay_v1", True, marks=pytest.mark.long),
    ],
)
async def test_a_death_at_any_write_loses_and_doubles_nothing(
    shadow: ShadowWorld, clickhouse_url: str, table: str, after: bool
) -> None:
    dying = Dies(clickhouse_url, f"INSERT INTO {shadow.target}.{table}", 1 if table == "replay_v1" else 3, after=after)
    with pytest.raises(ClickHouseRefused, match="it died here"):
        await shadow.dying(dying).replay(batch=BATCH)
    await dying.close()
    assert (await shadow.replay())[0] == []
    assert await shadow.replayed() == await shadow.live()


@pytest.mark.parametrize("number", [2, 30, *(pytest.param(one, marks=pytest.mark.long) for one in (1, 3, 9))])
async def test_a_death_while_it_is_made_leaves_what_the_next_one_takes(
    shadow: ShadowWorld, clickhouse_url: str, number: int
) -> None:
    dying = Dies(clickhouse_url, "CREATE", number, after=True)
    with pytest.raises(ClickHouseRefused, match="it died here"):
        await shadow.dying(dying).replay()
    await dying.close()
    assert (await shadow.replay())[0] == []


async def test_a_bill_at_a_position_is_the_same_to_the_cent_on_both(shadow: ShadowWorld) -> None:
    books, world = shadow.books, World(shadow.books.clickhouse, shadow.books.names)
    lives = await world.select("SELECT public_id, effective_ms FROM {database}.key_life WHERE kind = 'created'")
    for number, (public_id, at_ms) in enumerate(sorted(lives)):
        ids = [uuid7(at_ms + step * 40, number) for step in range(40)]
        await world.serve([chat(id_, public_id) for id_ in ids] + [model(id_, id_) for id_ in ids])
    await shadow.replay()
    totals = set()
    for position in (0, 60, HEAD):
        live, replayed = [
            await compute_bill(
                books.clickhouse,
                names,
                BillQuery(
                    ("customer_id", "project_id", "model"),
                    datetime(2020, 1, 1, tzinfo=UTC),
                    datetime(2100, 1, 1, tzinfo=UTC),
                    known_at=position,
                ),
                HEAD,
            )
            for names in (books.names, shadow.names)
        ]
        assert live == replayed
        totals.add((live.total.cost_usd, len(live.lines)))
    assert len(totals) == 3
    assert max(lines for _, lines in totals) > 20


# What is done to the live ledger, and what is reported: kind, table, position.
TAMPERING = [
    ("UPDATE value = 'mallory' WHERE position = 4", "key_tag_change_v1", "changed", 4),
    ("DELETE WHERE position = 5 AND tag = 'customer_id'", "key_tag_change_v1", "missing", 5),
    ("UPDATE expiration_ms = 5 WHERE position = 3", "key_life_v1", "changed", 3),
    ("DELETE WHERE position = 3", "key_credential_v1", "missing", 3),
    ("UPDATE recorded_at = recorded_at + INTERVAL 1 SECOND WHERE position = 9", "event_applied_v1", "changed", 9),
]


async def test_a_live_ledger_that_was_touched_is_told_by_table_and_position(
    shadow: ShadowWorld, tampered: Tampered, monkeypatch: pytest.MonkeyPatch
) -> None:
    for change, table, _, _ in TAMPERING:
        await tampered.clickhouse(f"ALTER TABLE {{db}}.{table} {change}")
    extra = ("Zmallory0000", 1, 77, "created", None, 1)
    await shadow.books.store.insert_life([extra, (*extra[:2], 0, *extra[3:])])
    expected = [(kind, table, position) for _, table, kind, position in TAMPERING]
    expected += [("extra", "key_life_v1", 77), ("extra", "key_life_v1", 0)]
    for window in (50_000, 40):
        monkeypatch.setattr(compare_ledgers, "WINDOW", window)
        findings, end = await shadow.replay()
        assert sorted((one.kind, one.where, one.position) for one in findings) == sorted(expected)
        assert end.differences == len(expected) == 7
        assert "--switch" in findings[0].fix
    monkeypatch.setattr(replay, "MAX_REPORTED", 2)
    findings, end = await shadow.replay()
    assert (len(findings), end.differences) == (2, 7)


async def test_where_the_live_ledger_stopped_is_told(
    shadow: ShadowWorld, tampered: Tampered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "_SETTLE_S", 0.2)  # nobody projects here
    await tampered.clickhouse("TRUNCATE TABLE {db}.applied_checkpoint_v1")
    await tampered.clickhouse("ALTER TABLE {db}.event_applied_v1 DELETE WHERE position = 100")
    findings, end = await shadow.replay()
    (stopped,) = findings
    assert (stopped.kind, stopped.where, stopped.position) == ("not_applied", "event_applied_v1", 100)
    assert (end.position, end.compared, end.differences, end.live_position) == (HEAD, 99, 1, 99)
    for table in ("event_applied_v1", "key_life_v1"):
        await tampered.clickhouse(f"TRUNCATE TABLE {{db}}.{table}")
    findings, end = await shadow.replay(switch=True)
    assert [(one.kind, one.position) for one in findings] == [("not_applied", 1)]
    assert (end.compared, end.differences, end.live_position) == (0, 1, HEAD)
    assert await tampered.findings() == []


async def test_rows_that_came_twice_are_no_difference(shadow: ShadowWorld) -> None:
    (tags, *_) = await shadow.live()
    again = [(*row[:2], row[2], row[3], row[4], row[5]) for row in tags[:9]]
    await shadow.books.store.insert_tag_changes(again)
    assert (await shadow.replay())[0] == []


async def test_a_name_of_something_else_is_refused(shadow: ShadowWorld, clickhouse: ClickHouse) -> None:
    books = shadow.books
    for name in ("system", "information_schema", "INFORMATION_SCHEMA", "default", books.names.database,
                 books.names.gateway, "no-identifier", "a b", "", "x" * 65, "x; DROP DATABASE y"):  # fmt: skip
        with pytest.raises(TargetUnfit):
            await ShadowWorld(books, name).replay()
    await clickhouse.command(f"CREATE DATABASE {shadow.target}")
    await clickhouse.command(f"CREATE TABLE {shadow.target}.mine (x UInt8) ENGINE = MergeTree ORDER BY x")
    for work in (shadow.replay, shadow.drop):
        with pytest.raises(TargetUnfit, match="not made by a replay"):
            await work()
    assert await clickhouse.query(f"SELECT count() FROM {shadow.target}.mine") == [(0,)]


async def test_a_replay_beside_another_ledger_or_of_another_log_is_refused(shadow: ShadowWorld) -> None:
    await shadow.replay()
    for column, text in (("live", "for another ledger"), ("log_id", "of another log")):
        mark = {"live": shadow.books.names.database, "log_id": str(shadow.books.log.log_id), column: "another"}
        table = f"{shadow.target}.replay_v1"
        await shadow.books.clickhouse.command(f"TRUNCATE TABLE {table}")
        await shadow.books.clickhouse.insert(table, [tuple(mark.values())], list(mark))
        with pytest.raises(TargetUnfit, match=text):
            await shadow.replay()
        with pytest.raises(TargetUnfit, match=text):
            await shadow.drop()


async def test_a_position_beyond_the_head_and_a_switch_to_the_past_are_refused(shadow: ShadowWorld) -> None:
    for until, switch in ((HEAD + 1, False), (HEAD, True)):
        with pytest.raises(FieldsRefused):
            await shadow.replay(until, switch=switch)
    assert await shadow.uuids(shadow.names) == {}


async def test_the_functions_go_on_to_read_the_live_ledger(shadow: ShadowWorld, clickhouse: ClickHouse) -> None:
    async def functions() -> Any:
        return await clickhouse.query("SELECT name, create_query FROM system.functions WHERE origin = 'SQLUserDefined'")

    before = await functions()
    await shadow.replay()
    assert await functions() == before


async def test_one_goes_on_at_a_time(shadow: ShadowWorld) -> None:
    async with alone(shadow.books.engine) as still:
        await still()
        with pytest.raises(ReplayRunning):
            async with alone(shadow.books.engine):
                pass
        await still()
    async with alone(shadow.books.engine):
        pass


async def test_it_is_dropped_with_its_rows_counted(shadow: ShadowWorld, clickhouse: ClickHouse) -> None:
    with pytest.raises(TargetUnfit, match="there is no ledger"):
        await shadow.drop()
    await shadow.replay()
    live = await shadow.live()
    # Each event has a row in its tally, too, and there is a checkpoint.
    assert await shadow.drop() == sum(map(len, live)) + len(live[-1]) + 1
    assert await clickhouse.query(f"SELECT count() FROM system.databases WHERE name = '{shadow.target}'") == [(0,)]
