"""Collectors that are killed at any step, and two at once, leave the journal that a fresh collection makes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from random import Random

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from projections.usage.journal.collecting import Pace
from projections.usage.journal.collector import SEED, Collector
from projections.usage.journal.state import Journal
from registry.db.leader_lock import LeaderLock
from tests.support.bill_world import World, batch, chat, instant, model, uuid7
from tests.support.journal_books import assert_as_fresh
from tests.support.oracle.oracle import Row

AT = instant("2026-03-01T00:00:00.000")
SMALL = Pace(poll_s=0.01, take_rows=7, batch_rows=11)  # several inserts and batches of a few rows


class Gateway:
    """Writes rows late, twice, changed, and of batches; and its tables merge."""

    def __init__(self, world: World, rng: Random) -> None:
        self._world = world
        self._rng = rng

    async def write(self) -> None:
        """Some rows, of inferences that have some already or not."""
        rows: list[Row] = []
        for _ in range(self._rng.randrange(1, 12)):
            serial = self._rng.randrange(40)
            inference = uuid7(AT + serial % 3, serial)
            rows.append(
                self._rng.choice(
                    [
                        chat(inference, self._rng.choice([None, "keyAAAAAAAA1"])),
                        model(uuid7(AT, 1000 + self._rng.randrange(60)), inference),
                        model(uuid7(AT, 1000 + serial), inference, input_tokens=self._rng.randrange(3)),
                        batch(inference),
                    ]
                )
            )
        await self._world.serve(rows, collect=False)
        if self._rng.random() < 0.3:
            table = self._rng.choice(["ModelInference", "ChatInference"])
            await self._world.clickhouse.command(f"OPTIMIZE TABLE {self._world.names.gateway}.{table} FINAL")


def collector_of(world: World, engine: AsyncEngine) -> Collector:
    """One of the collectors of a journal."""
    lead = LeaderLock(engine, world.names.database, SEED, retry_s=0.02)
    return Collector(Journal(world.clickhouse, world.names), lead, SMALL)


@asynccontextmanager
async def running(*collectors: Collector) -> AsyncIterator[None]:
    """They collect until the end of the block, which cuts them wherever they are."""
    tasks = [asyncio.create_task(one.run()) for one in collectors]
    try:
        yield
    finally:
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.long)])
async def test_a_collector_killed_at_any_step_leaves_the_journal_of_a_fresh_one(
    world: World, engine: AsyncEngine, kills: int
) -> None:
    """What it had sent to the engine goes on there, as that of a killed process does."""
    rng = Random(15)
    gateway = Gateway(world, rng)
    for _ in range(kills):
        async with running(collector_of(world, engine)):
            for _ in range(rng.randrange(1, 4)):
                await gateway.write()
    last = collector_of(world, engine)
    async with running(last):
        await last.catch_up()
        await gateway.write()
        await last.catch_up()
    assert await Journal(world.clickhouse, world.names).uncollected() == 0
    await assert_as_fresh(world.clickhouse, world.names)


async def test_of_two_collectors_one_is_active_and_the_other_takes_over(world: World, engine: AsyncEngine) -> None:
    gateway = Gateway(world, Random(16))
    first, second = collector_of(world, engine), collector_of(world, engine)
    async with AsyncExitStack() as stack:
        async with running(first):
            await first.catch_up()
            await stack.enter_async_context(running(second))
            await gateway.write()
            await first.catch_up()
            assert (first.leads, second.leads) == (True, False)
            await gateway.write()
        await gateway.write()
        await second.catch_up()
        assert second.leads
    await assert_as_fresh(world.clickhouse, world.names)
