"""The log against itself: positions without gaps, each event chained on the one before and fit to be read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from audit import sql
from audit.reading import fetch
from audit.report import Finding
from registry.errors import UndecodableEvent
from registry.log import chain, codec
from registry.log.event_log import Head, RecordedEvent
from registry.publish.cloudevent import Linked

_LOOK: Final = "stop the registry and find out who changed the database; docs/audit.md, When the log itself is wrong"
_UPGRADE: Final = "look with the version that wrote it, or a later one"


class ChainCheck:
    """Follows the chain from an event on: `position` and `hash` are the last one's."""

    def __init__(self, position: int, hash_: bytes) -> None:
        self.position = position
        self.hash = hash_

    def check(self, events: Sequence[RecordedEvent]) -> tuple[list[Linked], list[Finding]]:
        """The next events with the hash of the one before, empty where that one is missing, and what is wrong."""
        linked, found = [], list[Finding]()
        for event in events:
            if event.position != self.position + 1:
                found.append(_gap(self.position + 1, event.position - 1))
                self.hash = b""
            one = Linked(self.hash, event)
            found += _faults(one)
            linked.append(one)
            self.position, self.hash = event.position, event.hash
        return linked, found

    def lost(self, head: Head) -> list[Finding]:
        """What was there when the audit began and is not any more."""
        return [] if self.position >= head.position else [_gap(self.position + 1, head.position)]


async def beyond_reading(engine: AsyncEngine) -> list[Finding]:
    """Events at positions below 1."""
    return [_finding("added", row["position"], "no log has this position") for row in await fetch(engine, sql.OUTSIDE)]


def _faults(one: Linked) -> list[Finding]:
    event, found = one.event, list[Finding]()
    position = event.position
    if chain.payload_digest(event.salt, event.payload) != event.payload_digest:
        found.append(_finding("changed", position, "its payload or salt is not the one that was recorded"))
    if one.previous_hash and not chain.follows(one.previous_hash, event):
        found.append(_finding("changed", position, f"it was changed, or does not chain on position {position - 1}"))
    if event.effective_us % 1000:
        found.append(_finding("changed", position, "its effective_at has digits below the millisecond"))
    try:
        codec.decode(event)
    except UndecodableEvent as error:
        found.append(Finding("undecodable", "event", str(error), _UPGRADE, position, event.stream))
    return found


def _gap(first: int, last: int) -> Finding:
    what = "the event is missing" if first == last else f"the events up to position {last} are missing"
    return _finding("missing", first, what)


def _finding(kind: str, position: int, detail: str) -> Finding:
    return Finding(kind, "event", detail, _LOOK, position)
