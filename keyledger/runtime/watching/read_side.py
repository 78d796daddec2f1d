"""What the status reads in ClickHouse. It may be away: then the log's half is still known, and this half says why."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from projections.errors import ProjectionError
from projections.ledger import alarms
from projections.ledger.alarms import Alarm
from projections.ledger.dead_letters import DeadLetters
from projections.ledger.log_tail import LEDGER
from projections.ledger.presence import Presence
from projections.ledger.store import Frontier, Store
from projections.usage.gateway_count import CountsSeen, GatewayCount, GatewayCounts
from projections.usage.journal.state import Behind, Journal
from registry.errors import LogChanged
from registry.log.event_log import EventLog
from registry.log.log_position import resume_at

# Of the open dead letters so many are named; `dead-letters list` has them all.
NAMED: Final = 20
# A person waits longer for an answer than a probe does.
PATIENCE_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class ReadSide:
    """What the status reads in ClickHouse, and the limits that make an alarm."""

    store: Store
    letters: DeadLetters
    presence: Presence
    dead_letters_max: int
    hole_alarm_s: float
    timeout_s: float = PATIENCE_S
    counts: GatewayCounts | None = None
    journal: Journal | None = None


@dataclass(frozen=True, slots=True)
class ReadSideSeen:
    """What ClickHouse said: without a frontier, nothing."""

    frontier: Frontier | None
    dead_letters_open: int | None
    alarms: tuple[Alarm, ...]
    gateway_count: GatewayCount | None = None
    collector: Behind | None = None


NOT_READ: Final = ReadSideSeen(None, None, ())


async def look(side: ReadSide) -> ReadSideSeen:
    """What ClickHouse knows, or the alarm that it does not say. Never raises ProjectionError."""
    try:
        async with asyncio.timeout(side.timeout_s):
            return await _read(side)
    except TimeoutError:
        return _down(f"ClickHouse has not answered within {side.timeout_s:g} s")
    except ProjectionError as error:
        return _down(str(error))


async def log_changed(log: EventLog, frontier: Frontier) -> list[Alarm]:
    """The alarm that what is applied is not of this log. Raises Busy."""
    try:
        await resume_at(log, frontier.applied, LEDGER)
    except LogChanged as error:
        fix = "docs/operate.md, Backup and restore: rebuild ClickHouse from the log that counts"
        return [Alarm("log_changed", str(error), frontier.applied.position, fix, "projector")]
    return []


async def _read(side: ReadSide) -> ReadSideSeen:
    (frontier, open_count), missing, counted, behind = await asyncio.gather(
        _of_ledger(side), side.presence.known(), _counted(side), _behind(side)
    )
    named = await side.letters.find("open", limit=NAMED) if open_count else []
    found = [
        *alarms.of_letters(named, open_count, side.dead_letters_max),
        *alarms.of_missing(missing),
        *alarms.of_frontier(frontier, hole_alarm_s=side.hole_alarm_s),
        *alarms.of_counts(counted),
    ]
    return ReadSideSeen(frontier, open_count, tuple(found), None if counted is None else counted.latest, behind)


async def _of_ledger(side: ReadSide) -> tuple[Frontier, int]:
    return await side.store.frontier(), await side.letters.count_open()


async def _counted(side: ReadSide) -> CountsSeen | None:
    return None if side.counts is None else await side.counts.seen()


async def _behind(side: ReadSide) -> Behind | None:
    return None if side.journal is None else await side.journal.behind()


def _down(reason: str) -> ReadSideSeen:
    fix = "see that ClickHouse runs and that KEYLEDGER_CLICKHOUSE_URL names it: keys are made and revoked meanwhile"
    return ReadSideSeen(None, None, (Alarm("clickhouse_down", f"no bill is made: {reason}", None, fix, "billing"),))
