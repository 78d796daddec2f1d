"""A place in a log that somebody keeps: how far a topic, a ledger, a gateway's table or an audit is.

A log that was restored or failed over and lost its tail uses positions again for other events. So whoever keeps a
position keeps the log's id and the event's hash with it, and stops when they don't match.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from registry.errors import ChainBroken, LogChanged
from registry.log.event_log import EventLog


@dataclass(frozen=True, slots=True)
class LogPosition:
    """The event at `position` of the log `log_id`, and its hash; at position 0 the log's genesis hash."""

    log_id: UUID
    position: int
    hash: bytes


# Of what has seen no log yet.
NOWHERE: Final = LogPosition(UUID(int=0), 0, b"")


def start_of(log: EventLog) -> LogPosition:
    """The place before the first event of a log."""
    return LogPosition(log.log_id, 0, log.genesis_hash)


async def position_in(log: EventLog, position: int) -> LogPosition:
    """The place of a position, by what the log has there. Raises ChainBroken where it has nothing, Busy."""
    if position == 0:
        return start_of(log)
    held = await log.hashes([position])
    if position not in held:
        raise ChainBroken(f"the log has no event at position {position}")
    return LogPosition(log.log_id, position, held[position])


async def is_of(log: EventLog, kept: LogPosition) -> bool:
    """Whether a place is one of this log. Raises Busy."""
    held = {0: log.genesis_hash} if kept.position == 0 else await log.hashes([kept.position])
    return kept.log_id == log.log_id and held.get(kept.position) == kept.hash


async def resume_at(log: EventLog, kept: LogPosition, keeper: str) -> LogPosition:
    """Where `keeper` goes on: at the place that it kept, or at the start of the log where it has kept none yet.

    Raises LogChanged where the place is not one of this log, Busy.
    """
    if kept == NOWHERE:
        return start_of(log)
    if not await is_of(log, kept):
        raise LogChanged(kept.position, keeper)
    return kept
