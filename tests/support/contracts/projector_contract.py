"""The projector on a real log and a real engine: the same rows however events are cut, repeated or interrupted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import msgspec
import pytest

from projections.engine.client import ClickHouse, Row
from projections.engine.ddl import Names
from projections.errors import ClickHouseRefused
from projections.ledger.log_tail import LogTail
from projections.ledger.projector import Projector
from projections.ledger.store import Store
from registry.errors import ChainBroken, LogBroken, LogChanged, UndecodableEvent
from registry.log.log_position import LogPosition
from registry.log.memory import MemoryEventLog
from registry.log.postgres import PostgresEventLog
from tests.support.bill_world import World
from tests.support.contracts.writes import later_version
from tests.support.ledger.projecting import project
from tests.support.ledger.workload import fill
from tests.support.ledger_tables import contents
from tests.support.waiting import eventually


async def test_the_whole_log_arrives(postgres_log: PostgresEventLog, world: World) -> None:
    await fill(postgres_log, seed=1)
    store = Store(world.clickhouse, world.names)
    await project(postgres_log, store)
    head = await postgres_log.head()
    assert await store.applied() == LogPosition(postgres_log.log_id, head.position, head.hash)


async def test_every_cut_into_batches_and_every_repetition_gives_the_same_rows(
    clickhouse: ClickHouse, names: Names
) -> None:
    log = MemoryEventLog()
    await fill(log, seed=2, count=20)
    store = Store(clickhouse, names)
    await project(log, store)
    once = await contents(clickhouse, names)
    for max_batch in (1, 7, 1000):
        await clickhouse.command(f"TRUNCATE TABLE {names.database}.event_applied_v1")  # everything comes again
        await clickhouse.command(f"TRUNCATE TABLE {names.database}.applied_checkpoint_v1")
        await project(log, store, max_batch=max_batch)
        assert await contents(clickhouse, names) == once


class Dies(Store):
    """A store whose process dies at a step: before it is written, or after."""

    def __init__(self, clickhouse: ClickHouse, names: Names, step: str, *, after: bool) -> None:
        super().__init__(clickhouse, names)
        self._step, self._after = step, after

    def __getattribute__(self, name: str) -> Any:
        """Everything as it is, but the one step."""
        method = super().__getattribute__(name)
        if name.startswith("_") or name != self._step:
            return method
        return self._dying(method)

    def _dying(
        self, method: Callable[[Sequence[Row]], Coroutine[Any, Any, None]]
    ) -> Callable[[Sequence[Row]], Coroutine[Any, Any, None]]:
        async def die(rows: Sequence[Row]) -> None:
            if self._after:
                await method(rows)
            raise LogBroken("it died here")  # no other error stops a projector

        return die


@pytest.mark.parametrize(
    ("step", "after"),
    [
        ("insert_tag_changes", False),
        ("insert_life", True),
        ("insert_credentials", False),
        ("insert_applied", False),
        ("insert_applied", True),
        pytest.param("insert_tag_changes", True, marks=pytest.mark.long),
        pytest.param("insert_life", False, marks=pytest.mark.long),
        pytest.param("insert_credentials", True, marks=pytest.mark.long),
        pytest.param("insert_anchor_days", True, marks=pytest.mark.long),
    ],
)
async def test_a_death_at_any_step_loses_and_doubles_nothing(
    clickhouse: ClickHouse, names: Names, world: World, step: str, after: bool
) -> None:
    log = MemoryEventLog()
    await fill(log, seed=3, count=20)
    first = (await log.read(0, 1))[0]
    assert first.position == 1
    died = await project(log, Dies(clickhouse, names, step, after=after), max_batch=5)
    assert isinstance(died.failure, LogBroken)
    head = await log.head()
    applied = await Store(clickhouse, names).applied()
    assert applied.position == (5 if step == "insert_applied" and after else 0)
    await project(log, Store(clickhouse, names))
    assert (await Store(clickhouse, names).applied()).position == head.position
    resumed = await contents(clickhouse, names)
    await world.clear()
    await project(log, Store(clickhouse, names))
    assert await contents(clickhouse, names) == resumed


class FailsAtFirst(Store):
    """Refuses the first writes, as an engine does whose disk is full or that has no descriptor left."""

    refusals = 2

    async def insert_applied(self, rows: Sequence[Row]) -> None:
        """See Store."""
        if self.refusals:
            self.refusals -= 1
            raise ClickHouseRefused("CORRUPTED_DATA", code=246)
        await super().insert_applied(rows)


async def test_an_error_that_passes_is_reported_and_waited_out(clickhouse: ClickHouse, names: Names) -> None:
    """Nothing stops for ever but for an event that does not decode or does not chain."""
    log = MemoryEventLog()
    await fill(log, seed=5, count=5)
    store = FailsAtFirst(clickhouse, names)
    projector = Projector(LogTail(log), store, str(log.log_id), poll_s=0.05, again_s=0.5)
    running = asyncio.create_task(projector.run())
    try:
        failing = await eventually(store.frontier, lambda one: bool(one.failure), timeout_s=20)
        assert failing.failure == "CORRUPTED_DATA"
        head = (await log.head()).position
        passed = await eventually(
            store.frontier, lambda one: one.applied.position == head and not one.failure, timeout_s=20
        )
        assert (passed.applied.position, passed.failure, projector.failure) == (head, "", None)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    # Another process reads the same.
    assert (await Store(clickhouse, names).frontier()).failure == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"payload": b'{"remove":[],"set":{"customer_id":"mine"}}'},
        {"effective_us": 0},
        {"actor": "token-somebody"},
        {"reason": None},
        {"hash": bytes(32)},
        {"stream": "key-another00000"},
    ],
    ids=lambda changes: next(iter(changes)),
)
async def test_a_changed_event_stops_the_projector_and_is_never_applied(
    clickhouse: ClickHouse, names: Names, changes: dict[str, Any]
) -> None:
    log = MemoryEventLog()
    await fill(log, seed=4, count=5)
    log._events[2] = msgspec.structs.replace(log._events[2], **changes)
    store = Store(clickhouse, names)
    projector = Projector(LogTail(log), store, str(log.log_id))
    with pytest.raises(ChainBroken, match="position 3"):
        await projector.run()
    assert (await store.applied()).position == 0
    assert isinstance(projector.failure, ChainBroken)


async def test_an_event_that_does_not_decode_stops_the_projector(clickhouse: ClickHouse, names: Names) -> None:
    log = MemoryEventLog()
    with later_version() as unknown:
        await log.write(unknown)
    projector = Projector(LogTail(log), Store(clickhouse, names), str(log.log_id))
    with pytest.raises(UndecodableEvent, match="position 1"):
        await projector.run()


async def test_another_log_is_not_projected_onto_what_is_there(clickhouse: ClickHouse, names: Names) -> None:
    first, other = MemoryEventLog(), MemoryEventLog()
    for log in (first, other):
        await fill(log, seed=5, count=3)
    store = Store(clickhouse, names)
    await project(first, store)
    applied = await store.applied()
    with pytest.raises(LogChanged):
        await Projector(LogTail(other), store, str(other.log_id)).run()
    assert await store.applied() == applied


async def test_a_log_that_lost_its_tail_is_noticed(clickhouse: ClickHouse, names: Names) -> None:
    log = MemoryEventLog()
    await fill(log, seed=6, count=5)
    store = Store(clickhouse, names)
    await project(log, store)
    del log._events[-1]
    with pytest.raises(LogChanged):
        await Projector(LogTail(log), store, str(log.log_id)).run()


async def test_as_many_events_as_a_topic_delivers_again_at_once_can_be_looked_up(
    clickhouse: ClickHouse, names: Names
) -> None:
    store = Store(clickhouse, names)
    events = [(2**62 + number, f"{number:064x}") for number in range(6001)]
    await store.insert_applied([(position, "log", "", hash_, 0) for position, hash_ in events[::2]])
    assert await store.already(events) == {position for position, _ in events[::2]}
    assert await store.already([(2**62, "f" * 64)]) == set()
