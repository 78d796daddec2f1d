"""Reads the log for the feed: pages of events as the topic carries them, each held to the chain."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import msgspec

from registry.keys.events import Confinement, key_stream
from registry.log.chain_walk import ChainWalk
from registry.log.event_log import EventLog, RecordedEvent
from registry.publish.cloudevent import write_record
from registry.tokens.confinement import positions_within

# Of a page: what is read to find the types asked for, and what is answered, at most.
_READ: Final = 5000
_AT_ONCE: Final = 1000
_BYTES: Final = 2 << 20


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """An event of the feed: its position, and the CloudEvent as JSON."""

    position: int
    record: bytes


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Some events, and the position up to which the log was looked through for them."""

    events: list[FeedEvent]
    next_after: int


class Sight:
    """Which events a confined caller sees: those of keys, after which the key was within."""

    def __init__(self, log: EventLog, within: Confinement) -> None:
        self._log = log
        self._within = within
        self._seen: dict[str, frozenset[int]] = {}

    async def sees(self, event: RecordedEvent) -> bool:
        """Whether an event is for the caller. Reads the life of its key once a page."""
        if not event.stream.startswith(key_stream("")):
            return False
        if event.stream not in self._seen:
            self._seen[event.stream] = positions_within(self._within, await self._log.read_stream(event.stream))
        return event.position in self._seen[event.stream]


async def feed_page(
    log: EventLog, after: int, limit: int, types: Collection[str], within: Confinement | None = None
) -> FeedPage:
    """Up to `limit` events after a position, of some types or of all; fewer where they are large or far apart.

    `within`: what a confined caller may see of them.

    `after` is at most the head. Raises ChainBroken, LogChanged for a position that is not of this log, and Busy.
    """
    before = log.genesis_hash if after == 0 else (await log.hashes([after]))[after]
    walk, found, size = ChainWalk(after, before), list[FeedEvent](), 0
    sight = None if within is None else Sight(log, within)
    while walk.position - after < _READ:
        read = await log.read(walk.position, min(_AT_ONCE, max(limit, 100)))
        if not read:
            break
        reached = walk.position
        for linked in walk.link(read):
            event = linked.event
            reached = event.position
            if (not types or event.type in types) and (sight is None or await sight.sees(event)):
                _, record = write_record(log.log_id, linked)
                found.append(FeedEvent(event.position, record))
                size += len(record)
            if len(found) >= limit or size >= _BYTES:
                return FeedPage(found, reached)
    return FeedPage(found, walk.position)


def page_json(page: FeedPage) -> bytes:
    """The page as an answer has it."""
    items = [msgspec.Raw(event.record) for event in page.events]
    return msgspec.json.encode({"items": items, "next_after": page.next_after})
