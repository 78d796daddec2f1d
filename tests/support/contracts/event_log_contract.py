"""What every event log promises. An adapter's module subclasses the suite and gives it the fixture `log`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from registry.errors import Busy, Conflict, FieldFault, FieldsRefused, VersionConflict
from registry.instant import cut_ms
from registry.keys.commands import EditKey, edit
from registry.keys.events import KeyRevoked, key_stream
from registry.keys.state import KeyState
from registry.log.event_log import (
    EventLog,
    Foldable,
    NewEvent,
    StreamView,
    Write,
    WriteMany,
    Written,
    WrittenMany,
)
from registry.prices.commands import When
from registry.prices.service import PriceService
from tests.support.contracts.prices import race, rival
from tests.support.contracts.writes import CALLER, assert_whole, new_key, note, noted, read_all, tail


class EventLogContract:
    """The suite."""

    async def test_an_empty_log_has_position_0_and_its_genesis_hash(self, log: EventLog) -> None:
        head = await log.head()
        assert (head.position, head.hash, head.recorded_at) == (0, log.genesis_hash, None)
        assert await log.read(0, 10) == []

    async def test_positions_have_no_gaps_and_are_in_the_order_of_the_answers(self, log: EventLog) -> None:
        first = await log.write(note("one", times=3))
        second = await log.write(note("two"))
        together = await asyncio.gather(*(log.write(note(f"s{number % 5}", str(number))) for number in range(40)))
        answered = [event for written in (first, second, *together) for event in written.events]
        events = await read_all(log)
        assert [event.position for event in answered] == list(range(1, 45))
        assert answered == events
        assert_whole(events, log.genesis_hash)

    async def test_an_answer_carries_the_head_after_its_own_write(self, log: EventLog) -> None:
        answers = await asyncio.gather(*(log.write(note("one")) for _ in range(5)))
        assert [written.position for written in answers] == [1, 2, 3, 4, 5]
        head, last = await log.head(), answers[-1].events[-1]
        assert (head.position, head.hash, head.recorded_at) == (last.position, last.hash, last.recorded_at)

    async def test_versions_count_within_a_stream(self, log: EventLog) -> None:
        for stream in ("one", "two", "one", "one", "two"):
            await log.write(note(stream))
        assert [(event.position, event.version) for event in await log.read_stream("one")] == [(1, 1), (3, 2), (4, 3)]
        assert [event.version for event in await log.read_stream("two")] == [1, 2]
        assert await log.read_stream("none") == []

    async def test_an_event_says_who_when_and_why(self, log: EventLog) -> None:
        before = datetime.now(UTC)
        (event,) = (await log.write(note("one", "ä€😀"))).events
        assert (event.actor, event.on_behalf_of, event.request_id, event.reason) == (
            "token-test",
            "Ada",
            "request-1",
            "because",
        )
        assert event.payload == '{"description":"ä€😀"}'.encode()
        assert abs((event.recorded_at - before).total_seconds()) < 60
        assert event.recorded_at.utcoffset() == event.effective_at.utcoffset() == before.utcoffset()
        assert len(event.salt) == 16

    async def test_an_event_takes_effect_when_recorded_unless_it_says_otherwise(self, log: EventLog) -> None:
        at = datetime(2025, 3, 1, 12, 0, 0, 7000, UTC)

        def decide(_scene: StreamView) -> Sequence[NewEvent]:
            return [NewEvent(KeyRevoked()), NewEvent(KeyRevoked(), at)]

        now, then = (await log.write(Write("one", decide, CALLER))).events
        assert now.effective_at == cut_ms(now.recorded_at)
        assert then.effective_at == at
        assert (await read_all(log)) == [now, then]

    async def test_a_decision_sees_the_instant_that_its_first_event_gets(self, log: EventLog) -> None:
        seen: list[datetime] = []

        def decide(view: StreamView) -> Sequence[NewEvent]:
            seen.append(view.now)
            return noted("")

        answers = await asyncio.gather(*(log.write(Write("one", decide, CALLER)) for _ in range(3)))
        assert [written.events[0].recorded_at for written in answers] == seen == [written.now for written in answers]

    async def test_a_write_that_decides_nothing_appends_nothing(self, log: EventLog) -> None:
        written = await log.write(note("one", times=0))
        assert (written.events, written.position) == ((), 0)
        assert (await log.head()).position == 0

    async def test_a_version_conflict_fails_that_write_alone(self, log: EventLog) -> None:
        await log.write(note("one"))
        answers = await asyncio.gather(
            log.write(note("one", expected_version=1)),
            log.write(note("one", expected_version=1)),
            log.write(note("one")),
            log.write(note("new", expected_version=0)),
            log.write(note("new", expected_version=0)),
            return_exceptions=True,
        )
        assert [isinstance(one, VersionConflict) for one in answers] == [False, True, False, False, True]
        conflict = answers[1]
        assert isinstance(conflict, VersionConflict)
        assert (conflict.stream, conflict.expected, conflict.actual) == ("one", frozenset({1}), 2)
        assert [event.version for event in await log.read_stream("one")] == [1, 2, 3]
        assert_whole(await read_all(log), log.genesis_hash)

    @pytest.mark.parametrize("error", [FieldsRefused(FieldFault("tags", "are wrong")), RuntimeError("a bug")])
    async def test_a_decision_that_raises_fails_alone(self, log: EventLog, error: Exception) -> None:
        def refuse(_scene: StreamView) -> Sequence[NewEvent]:
            raise error

        answers = await asyncio.gather(
            log.write(note("one", "a")),
            log.write(Write("one", refuse, CALLER)),
            log.write(note("one", "b")),
            return_exceptions=True,
        )
        assert answers[1] is error
        assert [event.payload for event in await log.read_stream("one")] == [
            b'{"description":"a"}',
            b'{"description":"b"}',
        ]

    async def test_two_edits_of_one_key_in_one_batch_build_on_each_other(self, log: EventLog) -> None:
        await log.write(new_key("k" * 12, a="0"))

        def patch(**tags: str | None) -> Write:
            return Write(key_stream("k" * 12), lambda view: edit(EditKey(tags=tags), view), CALLER)

        answers = await asyncio.gather(
            log.write(patch(a="1")), log.write(patch(a=None, b="2")), log.write(patch(b="2")), log.write(patch(c="3"))
        )
        assert [len(written.events) for written in answers] == [1, 1, 0, 1]
        states = [written.state for written in answers]
        assert all(isinstance(state, KeyState) for state in states)
        assert [state.tags(datetime.now(UTC)) for state in states] == [
            {"a": "1"},
            {"b": "2"},
            {"b": "2"},
            {"b": "2", "c": "3"},
        ]

    async def test_a_write_of_a_whole_stream_sees_what_its_batch_has_added(self, log: EventLog) -> None:
        await log.write(note("one", "first"))
        seen: list[list[int]] = []

        def decide(view: StreamView) -> Sequence[NewEvent]:
            seen.append([event.version for event in view.history])
            return noted("more")

        whole = Write("one", decide, CALLER, whole_stream=True)
        await asyncio.gather(log.write(whole), log.write(note("two")), log.write(whole))
        assert seen == [[1], [1, 2]]

    async def test_a_cancelled_caller_does_not_cancel_its_batch(self, log: EventLog) -> None:
        tasks = [asyncio.create_task(log.write(note("one", str(number)))) for number in range(10)]
        await asyncio.sleep(0)  # every task has submitted; the batch has not run
        tasks[3].cancel()
        tasks[7].cancel()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert [number for number, one in enumerate(answers) if isinstance(one, asyncio.CancelledError)] == [3, 7]
        assert not any(isinstance(one, Exception) for one in answers)
        after = await log.write(note("one", "after"))
        texts = {event.payload for event in await read_all(log)}
        assert {b'{"description":"%d"}' % number for number in range(10) if number not in {3, 7}} <= texts
        assert (await log.head()).position == after.position

    async def test_racing_writers_lose_double_and_skip_nothing_while_a_reader_follows(self, log: EventLog) -> None:
        async def writer(number: int) -> list[int]:
            return [(await log.write(note(f"s{number % 4}", f"{number}-{turn}"))).position for turn in range(20)]

        reading = asyncio.create_task(tail(log, 32 * 20))
        answered = await asyncio.gather(*(writer(number) for number in range(32)))
        seen = await reading
        assert sorted(position for positions in answered for position in positions) == list(range(1, 641))
        assert len({event.payload for event in seen}) == 640
        assert seen == await read_all(log, 100)
        assert_whole(seen, log.genesis_hash)

    async def test_reading_pages_never_skip(self, log: EventLog) -> None:
        await log.write(note("one", times=10))
        assert [event.position for event in await log.read(0, 4)] == [1, 2, 3, 4]
        assert [event.position for event in await log.read(4, 4)] == [5, 6, 7, 8]
        assert [event.position for event in await log.read(8, 4)] == [9, 10]
        assert await log.read(10, 4) == []

    async def test_a_write_of_many_streams_is_decided_and_appended_at_once_or_not_at_all(self, log: EventLog) -> None:
        def decide(views: Sequence[StreamView]) -> Sequence[Sequence[NewEvent] | None]:
            if any(view.version for view in views):
                raise Conflict("some are there")
            return [noted(str(number)) if number % 3 else None for number in range(len(views))]

        streams = tuple(f"many-{number}" for number in range(500))
        many = WriteMany(streams, decide, CALLER)
        dry = await log.write_many(replace(many, dry=True))
        assert ((await log.head()).position, len(dry.changes), len(dry.changes[0].events)) == (0, 333, 1)
        first, *others = await asyncio.gather(
            log.write_many(many),
            *(log.write(note(f"many-{number}")) for number in range(1, 500, 100)),
            log.write_many(many),
            return_exceptions=True,
        )
        assert isinstance(first, WrittenMany)
        assert [event.position for change in first.changes for event in change.events] == list(range(1, 334))
        assert [type(one) for one in others] == [*[Written] * 5, Conflict]
        events = await read_all(log, 100)
        assert len(events) == 338
        assert_whole(events, log.genesis_hash)
        nothing = await log.write_many(WriteMany((), lambda _views: [], CALLER))
        assert (nothing.changes, nothing.position) == ((), 338)

    async def test_an_event_of_long_ago_is_read_as_it_was_written(self, log: EventLog) -> None:
        at = datetime(1999, 12, 31, 23, 59, 59, 999_000, UTC)
        await log.write(note("one", "ä€😀", times=3))
        await log.write(Write("two", lambda _scene: [NewEvent(KeyRevoked(), at)], CALLER))
        events = await log.read(0, 10)
        last = Foldable.of(events[3])
        recorded_us = events[3].recorded_us
        assert last == Foldable(4, "two", 1, "KeyRevoked", 1, recorded_us, 946_684_799_999_000, "because", b"{}")
        assert (last.effective_at, last.effective_ms) == (at, 946_684_799_999)

    async def test_waiting_ends_when_the_log_grows(self, log: EventLog) -> None:
        waiting = asyncio.create_task(log.wait_beyond(0, 30))
        await log.write(note("one"))
        await asyncio.wait_for(waiting, 5)
        await asyncio.wait_for(log.wait_beyond(0, 30), 5)

    async def test_waiting_ends_after_its_time(self, log: EventLog) -> None:
        await log.write(note("one"))
        await asyncio.wait_for(log.wait_beyond(1, 0.05), 5)

    async def test_a_closed_log_ends_what_runs_and_refuses_the_rest(self, log: EventLog) -> None:
        running = asyncio.create_task(log.write(note("one")))
        await asyncio.sleep(0)
        await log.close()
        assert (await running).position == 1
        with pytest.raises(Busy):
            await log.write(note("one"))

    async def test_of_prices_that_tie_and_are_set_at_once_one_is_set(self, log: EventLog) -> None:
        (won,) = await race([log], 20)
        prices = PriceService(log)
        with pytest.raises(Conflict, match=f"the price rival-{won} rates the same rows"):
            await prices.set(rival(99), When(), CALLER)
        await prices.set(rival(100, tier="gold"), When(), CALLER)
        with pytest.raises(Conflict, match="the price rival-100 "):
            await prices.set(rival(101, region="eu"), When(), CALLER)
        await prices.set(rival(102, tier="silver"), When(), CALLER)
        await prices.end(f"rival-{won}", When(), CALLER)
        assert len(await race([log], 20)) == 1
        events = await read_all(log)
        assert [event.type for event in events] == ["PriceSet"] * 3 + ["PriceEnded", "PriceSet"]
