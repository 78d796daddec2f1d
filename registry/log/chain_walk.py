"""The one walk along the chain, for every reader: checks each event against the one before it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Literal

import msgspec

from registry.errors import ChainBroken
from registry.log import chain
from registry.log.event_log import EventLog, RecordedEvent
from registry.log.log_position import LogPosition, position_in

PAGE = 2000


class Linked(msgspec.Struct, frozen=True, gc=False):
    """An event with the hash of the event before it; empty if that event is missing."""

    previous_hash: bytes
    event: RecordedEvent

    @property
    def fits(self) -> bool:
        """Whether the payload, the metadata and the previous hash produce the event's hash."""
        return chain.fits(self.previous_hash, self.event)


@dataclass(frozen=True, slots=True)
class ChainFault:
    """What is wrong with the log at a position."""

    kind: Literal["missing", "changed"]
    position: int
    detail: str


class ChainWalk:
    """Follows the chain from a position: `position` and `hash` are those of the last event. Pure.

    No hash covers the digits of effective_at below the millisecond, so they are checked as well.
    """

    def __init__(self, position: int, hash_: bytes) -> None:
        self.position = position
        self.hash = hash_

    def link(self, events: Sequence[RecordedEvent]) -> list[Linked]:
        """Check the next events. Raises ChainBroken, naming the position of the first one missing or changed."""
        linked = []
        for event in events:
            if (
                event.position != self.position + 1
                or not chain.fits(self.hash, event)
                or event.effective_us % 1000
            ):  # fmt: skip
                raise self._broken(event)
            linked.append(Linked(self.hash, event))
            self.position, self.hash = event.position, event.hash
        return linked

    def inspect(self, event: RecordedEvent) -> tuple[Linked, list[ChainFault]]:
        """Check the next event and return all its faults. The walk continues after it."""
        faults = []
        if event.position != self.position + 1:
            faults.append(gap(self.position + 1, event.position - 1))
            self.hash = b""
        linked, position = Linked(self.hash, event), event.position
        if chain.payload_digest(event.salt, event.payload) != event.payload_digest:
            faults.append(ChainFault("changed", position, "its payload or salt is not the one that was recorded"))
        if self.hash and not chain.follows(self.hash, event):
            detail = f"it was changed, or does not chain to position {position - 1}"
            faults.append(ChainFault("changed", position, detail))
        if event.effective_us % 1000:
            faults.append(ChainFault("changed", position, "its effective_at has digits below the millisecond"))
        self.position, self.hash = position, event.hash
        return linked, faults

    def _broken(self, event: RecordedEvent) -> ChainBroken:
        position = self.position + 1
        if event.position != position:
            return ChainBroken(f"the log has no event at position {position}")
        return ChainBroken(f"the event at position {position} was changed, or does not chain to the one before")


def gap(first: int, last: int) -> ChainFault:
    """The fault of one or more missing events."""
    what = "the event is missing" if first == last else f"the events up to position {last} are missing"
    return ChainFault("missing", first, what)


class LogReader:
    """Reads a log from a position on, for a follower: every position once, in order, checked against the chain."""

    def __init__(self, log: EventLog, start: LogPosition) -> None:
        self._log = log
        self._walk = ChainWalk(start.position, start.hash)

    @property
    def at(self) -> LogPosition:
        """The position of the last event read."""
        return LogPosition(self._log.log_id, self._walk.position, self._walk.hash)

    async def next(self, limit: int = PAGE, *, wait_s: float = 0.0) -> list[Linked]:
        """The next events, at most `limit`. At the head: none, after a wait of up to `wait_s`.

        Raises ChainBroken or Busy; the call can then be repeated.
        """
        events = await self._log.read(self._walk.position, limit)
        if not events and wait_s:
            await self._log.wait_beyond(self._walk.position, wait_s)
            events = await self._log.read(self._walk.position, limit)
        return self._walk.link(events)


async def pages(
    log: EventLog, start: LogPosition, until: int | None = None, size: int = PAGE
) -> AsyncGenerator[list[Linked], None]:
    """The events after a position up to `until` (None: the end of the log), in order, in pages of up to `size`.

    No page is empty. `until` must not be beyond the head: the log guarantees what is up to there. The next page is
    fetched while the caller handles the last one, so two are in memory. Raises ChainBroken at the first event that is
    missing or changed, naming its position; the pages before it were correct. Raises Busy.
    """
    walk = ChainWalk(start.position, start.hash)
    async with aclosing(unchecked_pages(log, start.position, until, size)) as fetched:
        async for events in fetched:
            yield walk.link(events)
    if until is not None and walk.position < until:
        await position_in(log, walk.position + 1)  # raises ChainBroken: the log has no such event


async def unchecked_pages(
    log: EventLog, after: int = 0, until: int | None = None, size: int = PAGE
) -> AsyncGenerator[list[RecordedEvent], None]:
    """Like `pages`, but returns whatever the log has: the caller checks gaps and hashes. Raises Busy."""
    page = await log.read(after, size)
    while page and (until is None or page[0].position <= until):
        last = page[-1].position
        if until is not None and last >= until:
            yield [event for event in page if event.position <= until]
            return
        fetching = asyncio.ensure_future(log.read(last, size))
        try:
            # The query must be sent before the caller keeps the loop busy: one turn to start it, one to send it.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            yield page
            page = await fetching
        finally:
            fetching.cancel()
            await asyncio.gather(fetching, return_exceptions=True)
