"""The one walk along the chain: each event is held to the one before it, whoever reads."""

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
    """An event with the hash of the event before it; empty where that one is missing."""

    previous_hash: bytes
    event: RecordedEvent

    @property
    def fits(self) -> bool:
        """Whether payload, metadata and the hash before give the event's hash."""
        return chain.fits(self.previous_hash, self.event)


@dataclass(frozen=True, slots=True)
class ChainFault:
    """What is wrong with the log at a position."""

    kind: Literal["missing", "changed"]
    position: int
    detail: str


class ChainWalk:
    """Follows the chain from a place on: `position` and `hash` are those of the last event. Pure.

    Digits of effective_at below the millisecond are in no hash, so they are looked at as well.
    """

    def __init__(self, position: int, hash_: bytes) -> None:
        self.position = position
        self.hash = hash_

    def link(self, events: Sequence[RecordedEvent]) -> list[Linked]:
        """The next events. Raises ChainBroken, which names the position of the first that is missing or was changed."""
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
        """The next event, whatever is wrong with it, and all that is wrong: the walk goes on behind it."""
        faults = []
        if event.position != self.position + 1:
            faults.append(gap(self.position + 1, event.position - 1))
            self.hash = b""
        linked, position = Linked(self.hash, event), event.position
        if chain.payload_digest(event.salt, event.payload) != event.payload_digest:
            faults.append(ChainFault("changed", position, "its payload or salt is not the one that was recorded"))
        if self.hash and not chain.follows(self.hash, event):
            detail = f"it was changed, or does not chain on position {position - 1}"
            faults.append(ChainFault("changed", position, detail))
        if event.effective_us % 1000:
            faults.append(ChainFault("changed", position, "its effective_at has digits below the millisecond"))
        self.position, self.hash = position, event.hash
        return linked, faults

    def _broken(self, event: RecordedEvent) -> ChainBroken:
        position = self.position + 1
        if event.position != position:
            return ChainBroken(f"the log has no event at position {position}")
        return ChainBroken(f"the event at position {position} was changed, or does not chain on the one before")


def gap(first: int, last: int) -> ChainFault:
    """Events that the log does not have."""
    what = "the event is missing" if first == last else f"the events up to position {last} are missing"
    return ChainFault("missing", first, what)


class LogReader:
    """Reads a log on from a place, for a follower: every position once, in order, held to the chain."""

    def __init__(self, log: EventLog, start: LogPosition) -> None:
        self._log = log
        self._walk = ChainWalk(start.position, start.hash)

    @property
    def at(self) -> LogPosition:
        """The place of the last event read."""
        return LogPosition(self._log.log_id, self._walk.position, self._walk.hash)

    async def next(self, limit: int = PAGE, *, wait_s: float = 0.0) -> list[Linked]:
        """The next events, at most `limit`; none at the head, after a wait of up to `wait_s`.

        Raises ChainBroken, Busy: the same may be asked again.
        """
        events = await self._log.read(self._walk.position, limit)
        if not events and wait_s:
            await self._log.wait_beyond(self._walk.position, wait_s)
            events = await self._log.read(self._walk.position, limit)
        return self._walk.link(events)


async def pages(
    log: EventLog, start: LogPosition, until: int | None = None, size: int = PAGE
) -> AsyncGenerator[list[Linked], None]:
    """The events beyond a place up to `until` (None: the log's end), in order, in pages of up to `size`, none empty.

    `until` is at most the head: the log promised what is up to there. The next page is fetched while the caller has the
    last; in memory are two. Raises ChainBroken at the first event that is missing or was changed, and names its
    position: pages before it were right. Raises Busy.
    """
    walk = ChainWalk(start.position, start.hash)
    async with aclosing(unchecked_pages(log, start.position, until, size)) as fetched:
        async for events in fetched:
            yield walk.link(events)
    if until is not None and walk.position < until:
        await position_in(log, walk.position + 1)  # raises: it is not there


async def unchecked_pages(
    log: EventLog, after: int = 0, until: int | None = None, size: int = PAGE
) -> AsyncGenerator[list[RecordedEvent], None]:
    """As `pages`, whatever the log has: gaps and hashes are for the caller. Raises Busy."""
    page = await log.read(after, size)
    while page and (until is None or page[0].position <= until):
        last = page[-1].position
        if until is not None and last >= until:
            yield [event for event in page if event.position <= until]
            return
        fetching = asyncio.ensure_future(log.read(last, size))
        try:
            # The question must be on its way before the caller keeps the loop busy: a turn to ask it, one to send it.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            yield page
            page = await fetching
        finally:
            fetching.cancel()
            await asyncio.gather(fetching, return_exceptions=True)
