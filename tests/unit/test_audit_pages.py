"""Pages of the whole log: every event once and chained; the first that is wrong is named."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from audit.pages import link, pages, unchecked
from audit.verify.log import ChainCheck
from registry.errors import ChainBroken
from registry.log import chain
from registry.log.event_log import RecordedEvent
from registry.log.memory import MemoryEventLog
from registry.publish.cloudevent import Linked
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
    return [page async for page in pages(log, after, hash_, until, size)]


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
        async for page in pages(log, size=2):
            right.append(page)

    with pytest.raises(ChainBroken, match="the event at position 5 was changed"):
        await read()
    assert positions(right) == [[1, 2], [3, 4]]


async def test_an_instant_without_an_end_is_a_finding_of_verify_and_not_its_end() -> None:
    log = await made()
    log._events[4] = replace(log._events[4], recorded_us=2**63)
    _, found = ChainCheck(0, log.genesis_hash).check(await read_all(log))
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
            link(rest[gone - 1 :], gone - 1, events[gone - 2].hash if gone > 1 else genesis)


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
    await log.write(note("one", times=9))
    reading = unchecked(log, size=3)
    await anext(reading)
    assert log.begun == [0, 3]
    await anext(reading)
    assert log.begun == [0, 3, 6]
    await reading.aclose()
    assert len(asyncio.all_tasks()) == 1, "a read that nobody waits for was left behind"
