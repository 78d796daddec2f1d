"""The whole log, page by page, each event held to the chain; the next page is fetched while the last is used."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import TypeVar

from registry.errors import ChainBroken
from registry.log import chain
from registry.log.event_log import EventLog, Foldable, RecordedEvent
from registry.publish.cloudevent import Linked

PAGE = 2000
_Event = TypeVar("_Event", RecordedEvent, Foldable)


async def pages(
    log: EventLog, after: int = 0, hash_: bytes | None = None, until: int | None = None, size: int = PAGE
) -> AsyncGenerator[list[Linked], None]:
    """The events beyond `after` up to `until` (None: the log's end), in order, in pages of up to `size`, none empty.

    `hash_` is what the first of them must chain on; None leaves that to the log. `until` is at most the head: the log
    promised what is up to there. Raises ChainBroken at the first event that is missing or was changed, and names its
    position: pages before it were right. Raises Busy. In memory are two pages.
    """
    previous = await hash_at(log, after) if hash_ is None else hash_
    position = after
    async with aclosing(unchecked(log, after, until, size)) as fetched:
        async for events in fetched:
            page = link(events, position, previous)
            position, previous = events[-1].position, events[-1].hash
            yield page
    if until is not None and position < until:
        raise _missing(position + 1)


def unchecked(
    log: EventLog, after: int = 0, until: int | None = None, size: int = PAGE
) -> AsyncGenerator[list[RecordedEvent], None]:
    """As `pages`, whatever the log has: gaps and hashes are for the caller. Raises Busy."""
    return _ahead(log.read, after, until, size)


def foldable(
    log: EventLog, after: int = 0, until: int | None = None, size: int = PAGE
) -> AsyncGenerator[list[Foldable], None]:
    """As `unchecked`, of each event what a fold needs: no hash of it can be checked. Raises Busy."""
    return _ahead(log.read_foldable, after, until, size)


async def _ahead(
    read: Callable[[int, int], Awaitable[list[_Event]]], after: int, until: int | None, size: int
) -> AsyncGenerator[list[_Event], None]:
    page = await read(after, size)
    while page and (until is None or page[0].position <= until):
        last = page[-1].position
        if until is not None and last >= until:
            yield [event for event in page if event.position <= until]
            return
        fetching = asyncio.ensure_future(read(last, size))
        try:
            # The question must be on its way before the caller keeps the loop busy: a turn to ask it, one to send it.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            yield page
            page = await fetching
        finally:
            fetching.cancel()
            await asyncio.gather(fetching, return_exceptions=True)


def link(events: Sequence[RecordedEvent], after: int, hash_: bytes) -> list[Linked]:
    """Events with the hash of the one before each, where they follow on position `after`, whose hash is given. Pure.

    Raises ChainBroken, which names the position of the first that is missing or was changed.
    """
    linked = []
    for position, event in enumerate(events, start=after + 1):
        if event.position != position:
            raise _missing(position)
        # Digits of effective_at below the millisecond are in no hash.
        if not chain.fits(hash_, event) or event.effective_us % 1000:
            raise ChainBroken(f"the event at position {position} was changed, or does not chain on the one before")
        linked.append(Linked(hash_, event))
        hash_ = event.hash
    return linked


async def hash_at(log: EventLog, position: int) -> bytes:
    """The hash that the event after `position` chains on, as the log has it. Raises ChainBroken, Busy."""
    if position == 0:
        return log.genesis_hash
    held = await log.hashes([position])
    if position not in held:
        raise _missing(position)
    return held[position]


def _missing(position: int) -> ChainBroken:
    return ChainBroken(f"the log has no event at position {position}")
