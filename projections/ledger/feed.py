"""The port for a projector's source of events. Adapters: `log_tail` and `kafka_feed`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from registry.log.chain_walk import Linked
from registry.log.log_position import LogPosition


class Feed(Protocol):
    """Events of one log, at least once each; those of a stream arrive in order on first delivery.

    Only events that the log holds are delivered: the adapter has checked each one against its own hash and the log's.
    On a transport failure, methods raise Busy, ClickHouseUnavailable or FeedUnavailable and may be called again.
    """

    async def start(self, applied: LogPosition) -> None:
        """Start after what is applied, or earlier. Raises LogChanged if what is applied is not of this log."""

    async def poll(self, timeout_s: float) -> Sequence[Linked]:
        """The next events; none if none arrive within about this time.

        May be called again before the last result is committed. Events that are not committed are delivered again after
        a restart.
        """

    async def commit(self) -> None:
        """The oldest polled and uncommitted events are written: they need not be delivered again."""

    async def close(self) -> None:
        """Release all resources. Commits nothing."""
