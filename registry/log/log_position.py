"""A stored position in a log: how far a topic, a ledger, a gateway's table or an audit has got.

A log that lost its tail in a restore or failover uses the same positions again for other events. So everything that
stores a position stores the log's id and the event's hash with it, and stops if they don't match.
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


# The position of a follower that has not read any log yet.
NOWHERE: Final = LogPosition(UUID(int=0), 0, b"")


def start_of(log: EventLog) -> LogPosition:
    """The position before the first event of a log."""
    return LogPosition(log.log_id, 0, log.genesis_hash)


async def position_in(log: EventLog, position: int) -> LogPosition:
    """The log's own LogPosition for a number. Raises ChainBroken if the log has no such event, or Busy."""
    if position == 0:
        return start_of(log)
    held = await log.hashes([position])
    if position not in held:
        raise ChainBroken(f"the log has no event at position {position}")
    return LogPosition(log.log_id, position, held[position])


async def is_of(log: EventLog, kept: LogPosition) -> bool:
    """Whether a stored position is of this log. Raises Busy."""
    held = {0: log.genesis_hash} if kept.position == 0 else await log.hashes([kept.position])
    return kept.log_id == log.log_id and held.get(kept.position) == kept.hash


async def resume_at(log: EventLog, kept: LogPosition, keeper: str) -> LogPosition:
    """Where `keeper` resumes: at its stored position, or at the start of the log if it has none yet.

    Raises LogChanged if the position is not of this log, or Busy.
    """
    if kept == NOWHERE:
        return start_of(log)
    if not await is_of(log, kept):
        raise LogChanged(kept.position, keeper)
    return kept
