"""The in-memory twin keeps the contract."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from registry.errors import ClockSteppedBack
from registry.log.event_log import Written
from registry.log.memory import MemoryEventLog
from tests.support.contracts.event_log_contract import EventLogContract
from tests.support.contracts.writes import assert_whole, note, read_all

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class TestMemoryEventLog(EventLogContract):
    """The suite, in memory."""

    @pytest.fixture
    async def log(self) -> AsyncIterator[MemoryEventLog]:
        """An empty log."""
        log = MemoryEventLog()
        yield log
        await log.close()


async def test_events_of_one_tick_are_a_microsecond_apart() -> None:
    log = MemoryEventLog(clock=lambda: NOON)
    await log.write(note("one", times=3))
    instants = [event.recorded_at for event in await read_all(log)]
    assert instants == [NOON, NOON + timedelta(microseconds=1), NOON + timedelta(microseconds=2)]


async def test_a_clock_that_stepped_back_a_little_is_waited_out_and_one_that_stepped_far_is_refused() -> None:
    now = [NOON]
    log = MemoryEventLog(clock=lambda: now[0], step_back_bound=timedelta(seconds=5))
    await log.write(note("one"))
    now[0] = NOON - timedelta(seconds=5)
    (event,) = (await log.write(note("one"))).events
    assert event.recorded_at == NOON + timedelta(microseconds=1)
    now[0] = NOON - timedelta(seconds=6)
    with pytest.raises(ClockSteppedBack):
        await log.write(note("one"))
    now[0] = NOON + timedelta(seconds=1)
    assert (await log.write(note("one"))).position == 3
    assert_whole(await read_all(log), log.genesis_hash)


async def test_whatever_the_clock_says_what_stops_something_is_recorded() -> None:
    now = [NOON]
    log = MemoryEventLog(clock=lambda: now[0])
    await log.write(note("one"))
    now[0] = NOON - timedelta(hours=1)
    refused, stopped = await asyncio.gather(
        log.write(note("two")), log.write(replace(note("one"), stops=True)), return_exceptions=True
    )
    assert isinstance(refused, ClockSteppedBack)
    assert refused.retry_after_s == 3600
    assert "3600 s behind the last event" in str(refused)
    assert isinstance(stopped, Written)
    assert stopped.events[0].recorded_at == NOON + timedelta(microseconds=1)
    assert_whole(await read_all(log), log.genesis_hash)
