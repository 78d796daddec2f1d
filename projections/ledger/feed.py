"""Where a projector's events come from: the port. Adapters: `log_tail` and `kafka_feed`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from projections.errors import LogChanged
from projections.ledger.store import Applied
from registry.log.event_log import EventLog
from registry.publish.cloudevent import Linked


class Feed(Protocol):
    """Events of one log, at least once each, those of a stream in order when each first comes.

    What is delivered is what the log holds: the adapter has checked each event against its own hash and against the
    log's. A transport that fails raises Busy, ClickHouseUnavailable or FeedUnavailable, and may be called again.
    """

    async def start(self, applied: Applied) -> None:
        """Begin after what is applied, or earlier. Raises LogChanged when what is applied is not of this log."""

    async def poll(self, timeout_s: float) -> Sequence[Linked]:
        """The next events; none when there are none within about this time.

        May be called again before the last is committed. Until then, its events come again to whoever starts.
        """

    async def commit(self) -> None:
        """What was polled first and is not committed yet is written: it need not come again."""

    async def close(self) -> None:
        """Give back what is held. Nothing is committed by it."""


async def check_applied(log: EventLog, applied: Applied) -> None:
    """Raise LogChanged unless the last event applied is in this log."""
    if applied.position == 0:
        return
    held = await log.hashes([applied.position])
    if applied.log_id != str(log.log_id) or held.get(applied.position, b"").hex() != applied.hash:
        raise LogChanged(applied.position)
