"""Pages of the whole log: every event once and chained; the first that is wrong is named."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from audit.verify.log import LogCheck
from registry.errors import ChainBroken
from registry.log import chain
from registry.log.chain_walk import ChainWalk, Linked, LogReader, pages, unchecked_pages
from registry.log.event_log import RecordedEvent
from registry.log.log_position import LogPosition, position_in, start_of
from registry.log.memory import MemoryEventLog
from tests.support.contracts.writes import note, read_all


async def made(count: int = 10) -> MemoryEventLog:
    """A log of some events."""
    log = MemoryEventLog()
    for number in range(count):
        await log.write(note(f"stream-{number % 3}", str(number)))
    return log


async def collect(
    log: MemoryEventLog, after: int = 0, hash_: bytes | None = None, until: int | None = None, size: int = 3
) -> list[list[Linked]]:
    """All pages."""
    start = await position_in(log, after) if hash_ is None else LogPosition(log.log_id, after, hash_)
    return [page async for page in pages(log, start, until, size)]


def positions(found: list[list[Linked]]) -> list[list[int]]:
    """The positions on each page."""
    return [[one.event.position for one in page] for page in found]


async def test_every_event_comes_once_with_the_hash_before_it() -> None:
    log = await made()
    found = await collect(log)
    assert positions(found) == [[1, 2, 3], [4, 5, 6], [7, 8, 9], [10]]
    events = await read_all(log)
    assert [one.event for page in found for one in page] == events
    assert [one.previous_hash for page in found for one in page] == [log.genesis_hash, *(e.hash for e in events[:-1])]


@pytest.mark.parametrize(
    ("after", "until", "expected"),
    [
        (0, 6, [[1, 2, 3], [4, 5, 6]]),
        (0, 4, [[1, 2, 3], [4]]),
        (4, 9, [[5, 6, 7], [8, 9]]),
        (9, 10, [[10]]),
        (10, 10, []),
        (10, None, []),
        (7, 3, []),
        (0, 0, []),
    ],
)
async def test_pages_begin_after_one_position_and_end_with_another(
    after: int, until: int | None, expected: list[list[int]]
) -> None:
    log = await made()
    assert positions(await collect(log, after, None, until)) == expected
    if after:
        assert positions(await collect(log, after, (await log.hashes([after]))[after], until)) == expected


async def test_an_empty_log_has_no_pages() -> None:
    assert await collect(MemoryEventLog()) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda event: replace(event, payload=b'{"text":"other"}'),
        lambda event: replace(event, actor="token-mallory"),
        lambda event: replace(event, salt=bytes(16)),
        lambda event: replace(event, effective_us=event.effective_us + 1),
        lambda event: replace(event, recorded_us=2**63),
        lambda event: replace(event, hash=bytes(32)),
        lambda event: replace(event, payload_digest=bytes(32)),
    ],
)
async def test_a_changed_event_is_named_and_the_pages_before_it_are_right(
    change: Callable[[RecordedEvent], RecordedEvent],
) -> None:
    log, right = await made(), list[list[Linked]]()
    log._events[4] = change(log._events[4])

    async def read() -> None:
        async for page in pages(log, start_of(log), size=2):
            right.append(page)

    with pytest.raises(ChainBroken, match="the event at position 5 was changed"):
        await read()
    assert positions(right) == [[1, 2], [3, 4]]


async def test_an_instant_without_an_end_is_a_finding_of_verify_and_not_its_end() -> None:
    log = await made()
    log._events[4] = replace(log._events[4], recorded_us=2**63)
    _, found = LogCheck(start_of(log)).check(await read_all(log))
    assert [(one.kind, one.position) for one in found if one.kind == "changed"] == [("changed", 5)]


async def test_an_event_that_was_changed_with_its_hash_is_found_by_the_next() -> None:
    log = await made()
    before, event = log._events[3:5]
    log._events[4] = chain.sealed(before.hash, replace(event, reason="another"))
    with pytest.raises(ChainBroken, match="position 6 was changed, or does not chain"):
        await collect(log)


async def test_a_missing_event_is_named_wherever_it_was() -> None:
    events = await read_all(await made())
    genesis = Linked(b"", events[0]).previous_hash
    for gone in range(1, 10):
        rest = [event for event in events if event.position != gone]
        with pytest.raises(ChainBroken, match=f"no event at position {gone}$"):
            ChainWalk(gone - 1, events[gone - 2].hash if gone > 1 else genesis).link(rest[gone - 1 :])


async def test_what_the_log_promised_and_does_not_have_is_named() -> None:
    log = await made()
    with pytest.raises(ChainBroken, match=r"no event at position 11$"):
        await collect(log, until=12)
    with pytest.raises(ChainBroken, match=r"no event at position 12$"):
        await collect(log, after=12)


async def test_another_hash_before_the_first_event_is_not_believed() -> None:
    with pytest.raises(ChainBroken, match="position 5 was changed, or does not chain"):
        await collect(await made(), after=4, hash_=bytes(32))


class Counting(MemoryEventLog):
    """A log that tells which reads have begun."""

    begun: list[int]

    async def read(self, after: int, limit: int) -> list[RecordedEvent]:
        """See EventLog."""
        self.begun.append(after)
        return await super().read(after, limit)


async def test_the_next_page_is_asked_for_before_the_caller_has_this_one() -> None:
    log = Counting()
    log.begun = []
    others = asyncio.all_tasks()  # of the servers of other tests, whose loop this is too
    await log.write(note("one", times=9))
    reading = unchecked_pages(log, size=3)
    await anext(reading)
    assert log.begun == [0, 3]
    await anext(reading)
    assert log.begun == [0, 3, 6]
    await reading.aclose()
    assert asyncio.all_tasks() <= others, "a read that nobody waits for was left behind"


async def test_a_reader_goes_on_where_it_was_and_names_its_place() -> None:
    log = await made(5)
    reader = LogReader(log, start_of(log))
    assert [one.event.position for one in await reader.next(3)] == [1, 2, 3]
    assert reader.at == await position_in(log, 3)
    assert [one.event.position for one in await reader.next(3)] == [4, 5]
    assert await reader.next(3) == []
    waiting = asyncio.create_task(reader.next(3, wait_s=30))
    await asyncio.sleep(0)
    await log.write(note("one"))
    assert [one.event.position for one in await waiting] == [6]


async def test_a_reader_refuses_an_event_that_was_changed() -> None:
    log = await made()
    log._events[4] = replace(log._events[4], actor="token-mallory")
    reader = LogReader(log, start_of(log))
    with pytest.raises(ChainBroken, match="the event at position 5 was changed"):
        await reader.next()
