"""A part that is gone makes no wrong bill: what is missing is noticed, bills wait, and the ledger is written again."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from unittest.mock import ANY

import pytest

from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from projections.errors import RowsMissing
from projections.ledger.alarms import of_missing
from projections.ledger.guard import LedgerGuard
from projections.ledger.presence import Missing, Presence
from projections.ledger.store import Store
from registry.instant import to_ms
from registry.log.memory import MemoryEventLog
from tests.support.bill_world import World, chat, model, uuid7
from tests.support.ledger.projecting import project
from tests.support.ledger.workload import fill
from tests.support.ledger_tables import contents
from tests.support.waiting import eventually

LEDGER = (
    "key_tag_change_v1",
    "key_life_v1",
    "key_credential_v1",
    "usage_anchor_v1",
    "usage_anchor_day_v1",
    "price_change_v1",
    "ledger_tally_v2",
)


@pytest.fixture
async def log() -> MemoryEventLog:
    """Some lives of keys."""
    made = MemoryEventLog()
    await fill(made, seed=8, count=40)
    return made


@asynccontextmanager
async def guarding(log: MemoryEventLog, clickhouse: ClickHouse, names: Names) -> AsyncIterator[Presence]:
    """The guard of a running projector."""
    presence = Presence(clickhouse, names)
    running = asyncio.create_task(LedgerGuard(log, Store(clickhouse, names), presence).run())
    try:
        yield presence
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize("table", LEDGER)
async def test_what_the_ledger_lost_is_written_again(log: MemoryEventLog, world: World, table: str) -> None:
    store = Store(world.clickhouse, world.names)
    await project(log, store)
    before = await contents(world.clickhouse, world.names)
    presence = Presence(world.clickhouse, world.names)
    assert await LedgerGuard(log, store, presence).look() == []
    bill = await world.bill(group_by=("customer_id",))
    await world.clickhouse.command(f"ALTER TABLE {world.names.database}.{table} DETACH PARTITION ID 'all'")
    # As at a start: the look comes before any bill.
    found = await LedgerGuard(log, store, presence).look()
    assert any(table.rpartition("_v")[0] in one for one in found)
    with pytest.raises(RowsMissing, match=table.rpartition("_v")[0]):
        await world.bill(group_by=("customer_id",))
    async with guarding(log, world.clickhouse, world.names):
        assert await eventually(presence.missing, lambda missing: not missing, timeout_s=20) == []
    assert await contents(world.clickhouse, world.names) == before
    assert await world.bill(group_by=("customer_id",)) == bill


async def test_applied_events_that_are_gone_are_written_again(log: MemoryEventLog, world: World) -> None:
    """A checkpoint still says that they were applied."""
    store = Store(world.clickhouse, world.names)
    await project(log, store)
    before = await contents(world.clickhouse, world.names)
    await world.clickhouse.command(f"ALTER TABLE {world.names.database}.event_applied_v1 DELETE WHERE position < 20")
    async with guarding(log, world.clickhouse, world.names):

        async def whole() -> bool:
            return await contents(world.clickhouse, world.names) == before

        assert await eventually(whole, bool, timeout_s=20)


@pytest.mark.parametrize("table", ["ChatInference", "ModelInference"])
@pytest.mark.parametrize("collected", [True, False])
async def test_rows_of_the_gateway_that_are_gone_hold_up_bills_only_where_the_journal_lacks_them(
    log: MemoryEventLog, world: World, table: str, *, collected: bool
) -> None:
    if not world.clickhouse.embedded:
        pytest.skip("on a server, old rows may be dropped on purpose")
    store, presence = Store(world.clickhouse, world.names), Presence(world.clickhouse, world.names)
    await project(log, store)
    at = to_ms((await log.read(0, 1))[0].recorded_at)
    for number in (1, 2):
        rows = [chat(uuid7(at, number), "keyAAAAAAAA1"), model(uuid7(at, number), uuid7(at, 10 + number))]
        await world.serve(rows, collect=collected)
    guard = LedgerGuard(log, store, presence)
    await guard.look()
    await world.clickhouse.command(f"OPTIMIZE TABLE {world.names.gateway}.{table} FINAL")  # a merge loses nothing
    await guard.look()
    bill = await world.bill(group_by=("customer_id",))
    await world.clickhouse.command(f"ALTER TABLE {world.names.gateway}.{table} DETACH PARTITION ID 'all'")
    await guard.look()
    words = rf"{table} lacks rows that it had: blocks \d+ to \d+ of partition all"
    if collected:
        await world.collect()  # a look at what is left forgets nothing that was taken
        assert await world.bill(group_by=("customer_id",)) == bill
        ((missing,), _) = ((await presence.known()).collected, await guard.look())
        assert re.search(words, missing)
        assert [one.part for one in of_missing(await presence.known())] == [None]
    else:
        with pytest.raises(RowsMissing, match=words):
            await world.bill(group_by=("customer_id",))
    # The operator brings them back, and says that it is right now: docs/operate.md, Missing rows.
    await world.clickhouse.command(f"ALTER TABLE {world.names.gateway}.{table} ATTACH PARTITION ID 'all'")
    await world.clickhouse.command(f"TRUNCATE TABLE {world.names.database}.gateway_blocks_v1")
    await guard.look()
    assert await presence.known() == Missing()
    assert await world.bill(group_by=("customer_id",)) == {**bill, "usage": ANY}
