"""Checks the log itself: positions without gaps, each event chained to the one before and decodable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from audit.report import Finding
from audit.verify import sql
from registry.db.connection import fetch
from registry.errors import UndecodableEvent
from registry.log import codec
from registry.log.chain_walk import ChainFault, ChainWalk, Linked, gap
from registry.log.event_log import Head, RecordedEvent
from registry.log.log_position import LogPosition

_LOOK: Final = "stop the registry and find out who changed the database; docs/audit.md, When the log itself is wrong"
_UPGRADE: Final = "read it with the version that wrote it, or a later one"


class LogCheck:
    """Follows the chain from a position on, and continues after a fault."""

    def __init__(self, start: LogPosition) -> None:
        self._log_id = start.log_id
        self._walk = ChainWalk(start.position, start.hash)

    @property
    def at(self) -> LogPosition:
        """The position of the last event checked."""
        return LogPosition(self._log_id, self._walk.position, self._walk.hash)

    def check(self, events: Sequence[RecordedEvent]) -> tuple[list[Linked], list[Finding]]:
        """Check the next events; returns each with the hash of the one before, and the findings."""
        linked, found = [], list[Finding]()
        for event in events:
            one, faults = self._walk.inspect(event)
            found += [_finding(fault) for fault in faults]
            try:
                codec.decode(event)
            except UndecodableEvent as error:
                found.append(Finding("undecodable", "event", str(error), _UPGRADE, event.position, event.stream))
            linked.append(one)
        return linked, found

    def lost(self, head: Head) -> list[Finding]:
        """Events that were there when the audit began and are missing now."""
        position = self._walk.position
        return [] if position >= head.position else [_finding(gap(position + 1, head.position))]


async def unreachable_events(engine: AsyncEngine) -> list[Finding]:
    """Events at positions below 1."""
    return [
        Finding("added", "event", "no log has this position", _LOOK, row["position"])
        for row in await fetch(engine, sql.OUTSIDE)
    ]


def _finding(fault: ChainFault) -> Finding:
    return Finding(fault.kind, "event", fault.detail, _LOOK, fault.position)
