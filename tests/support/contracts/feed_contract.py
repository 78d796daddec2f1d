"""What every feed promises to a projector. An adapter's tests inherit it and say how to make one."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID

import pytest

from projections.ledger.feed import Feed
from registry.errors import LogChanged
from registry.log.chain_walk import Linked
from registry.log.event_log import EventLog
from registry.log.log_position import NOWHERE, LogPosition, position_in
from tests.support.contracts.writes import note

MakeFeed = Callable[[], Feed]
Arrive = Callable[[], Awaitable[None]]


async def read(feed: Feed, until: int) -> list[Linked]:
    """Poll, and commit each, until that many different positions have come."""
    found: list[Linked] = []
    async with asyncio.timeout(60):
        while len({one.event.position for one in found}) < until:
            found += await feed.poll(0.5)
            await feed.commit()
    return found


class FeedContract:
    """Inherit with fixtures `log`, `make_feed` (a feed on it, as one after the other would be) and `arrive`.

    `arrive` returns when what is in the log can be had from a feed.
    """

    @pytest.fixture
    async def feed(self, make_feed: MakeFeed) -> AsyncIterator[Feed]:
        """A feed that nothing was read from."""
        made = make_feed()
        yield made
        await made.close()

    async def test_every_event_comes_in_the_order_of_its_stream_with_the_hash_before_it(
        self, log: EventLog, feed: Feed, arrive: Arrive
    ) -> None:
        for number in range(30):
            await log.write(note(f"thing-{number % 4}", times=3))
        await arrive()
        await feed.start(NOWHERE)
        linked = await read(feed, 90)
        events = await log.read(0, 1000)
        before = {event.position: event.hash for event in events}
        assert {one.event.position: one.event for one in linked} == {event.position: event for event in events}
        versions: dict[str, list[int]] = defaultdict(list)
        for one in linked:
            assert one.previous_hash == before.get(one.event.position - 1, log.genesis_hash)
            assert one.fits
            versions[one.event.stream].append(one.event.version)
        assert all(seen == sorted(seen) for seen in versions.values())

    async def test_what_is_polled_and_not_committed_comes_again_to_whoever_starts_next(
        self, log: EventLog, make_feed: MakeFeed, arrive: Arrive
    ) -> None:
        await log.write(note("thing-1", times=5))
        await arrive()
        first = make_feed()
        await first.start(NOWHERE)
        assert await polled(first)
        await first.close()
        second = make_feed()
        await second.start(NOWHERE)
        assert {one.event.position for one in await read(second, 5)} == {1, 2, 3, 4, 5}
        await second.close()

    async def test_it_goes_on_after_what_was_applied_and_committed(
        self, log: EventLog, make_feed: MakeFeed, arrive: Arrive
    ) -> None:
        await log.write(note("thing-1", times=5))
        await arrive()
        first = make_feed()
        await first.start(NOWHERE)
        await read(first, 5)
        await first.close()
        await log.write(note("thing-1", times=2))
        await arrive()
        second = make_feed()
        await second.start(await position_in(log, 5))
        assert {one.event.position for one in await read(second, 2)} == {6, 7}
        await second.close()

    async def test_it_may_be_polled_ahead_of_its_commits(
        self, log: EventLog, make_feed: MakeFeed, arrive: Arrive
    ) -> None:
        feed = make_feed()
        await log.write(note("thing-1"))
        await arrive()
        await feed.start(NOWHERE)
        first = await polled(feed)
        await log.write(note("thing-1"))
        await arrive()
        second = await polled(feed)
        await feed.commit()
        await feed.commit()
        assert [one.event.position for one in [*first, *second]] == [1, 2]
        await feed.close()

    async def test_nothing_new_is_an_empty_answer_in_about_the_time(self, feed: Feed) -> None:
        await feed.start(NOWHERE)
        async with asyncio.timeout(30):
            assert list(await feed.poll(0.1)) == []

    async def test_a_new_event_wakes_it(self, log: EventLog, feed: Feed, arrive: Arrive) -> None:
        await feed.start(NOWHERE)
        await feed.poll(0.1)
        await feed.commit()
        waiting = asyncio.create_task(polled(feed))
        await log.write(note("thing-1"))
        await arrive()
        assert [one.event.position for one in await waiting] == [1]

    async def test_another_log_than_the_one_applied_is_refused(self, log: EventLog, feed: Feed) -> None:
        await log.write(note("thing-1"))
        applied = await position_in(log, 1)
        with pytest.raises(LogChanged):
            await feed.start(LogPosition(UUID(int=7), 1, applied.hash))
        with pytest.raises(LogChanged):
            await feed.start(LogPosition(applied.log_id, 1, bytes(32)))

    async def test_a_log_that_lost_what_was_applied_is_refused(self, log: EventLog, feed: Feed) -> None:
        await log.write(note("thing-1"))
        applied = await position_in(log, 1)
        with pytest.raises(LogChanged):
            await feed.start(LogPosition(applied.log_id, 2, applied.hash))


async def polled(feed: Feed) -> list[Linked]:
    """The next events; the polls before them were empty, and are committed."""
    async with asyncio.timeout(60):
        while True:
            found = list(await feed.poll(0.5))
            if found:
                return found
            await feed.commit()
