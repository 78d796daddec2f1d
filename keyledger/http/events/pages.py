"""Reads the log for the feed: pages of events as the topic carries them, each held to the chain."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import msgspec

from registry.log.chain_walk import ChainWalk
from registry.log.event_log import EventLog
from registry.publish.cloudevent import write_record

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


async def feed_page(log: EventLog, after: int, limit: int, types: Collection[str]) -> FeedPage:
    """Up to `limit` events after a position, of some types or of all; fewer where they are large or far apart.

    `after` is at most the head. Raises ChainBroken, LogChanged for a position that is not of this log, and Busy.
    """
    before = log.genesis_hash if after == 0 else (await log.hashes([after]))[after]
    walk, found, size = ChainWalk(after, before), list[FeedEvent](), 0
    while walk.position - after < _READ:
        read = await log.read(walk.position, min(_AT_ONCE, max(limit, 100)))
        if not read:
            break
        reached = walk.position
        for linked in walk.link(read):
            event = linked.event
            reached = event.position
            if not types or event.type in types:
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
