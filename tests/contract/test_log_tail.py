"""The log's tail keeps the contract of a feed."""

from __future__ import annotations

import pytest

from projections.ledger.log_tail import LogTail
from registry.log.event_log import EventLog
from registry.log.memory import MemoryEventLog
from tests.support.contracts.feed_contract import Arrive, FeedContract, MakeFeed


class TestLogTail(FeedContract):
    """The suite, on the log itself."""

    @pytest.fixture
    def log(self) -> EventLog:
        """An empty log."""
        return MemoryEventLog()

    @pytest.fixture
    def make_feed(self, log: EventLog) -> MakeFeed:
        """A tail of it."""
        return lambda: LogTail(log, max_batch=7)

    @pytest.fixture
    def arrive(self) -> Arrive:
        """Nothing is between the log and its tail."""

        async def at_once() -> None:
            return

        return at_once
