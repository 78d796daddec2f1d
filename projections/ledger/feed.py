"""Where a projector's events come from: the port. Adapters: `log_tail` and `kafka_feed`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from registry.log.chain_walk import Linked
from registry.log.log_position import LogPosition


class Feed(Protocol):
    """Events of one log, at least once each, those of a stream in order when each first comes.

    What is delivered is what the log holds: the adapter has checked each event against its own hash and against the
    log's. A transport that fails raises Busy, ClickHouseUnavailable or FeedUnavailable, and may be called again.
    """

    async def start(self, applied: LogPosition) -> None:
        """Begin after what is applied, or earlier. Raises LogChanged when what is applied is not of this log."""

    async def poll(self, timeout_s: float) -> Sequence[Linked]:
        """The next events; none when there are none within about this time.

        May be called again before the last is committed. Until then, its events come again to whoever starts.
        """

    async def commit(self) -> None:
        """What was polled first and is not committed yet is written: it need not come again."""

    async def close(self) -> None:
        """Give back what is held. Nothing is committed by it."""
