"""The topic keeps the contract of a feed, on a real broker."""

from __future__ import annotations

import pytest

from registry.log.event_log import EventLog
from tests.support.contracts.feed_contract import Arrive, FeedContract, MakeFeed
from tests.support.kafka_world import Way


class TestKafkaFeed(FeedContract):
    """The suite, through relay and broker, as one consumer group."""

    @pytest.fixture
    def log(self, way: Way) -> EventLog:
        """An empty log."""
        return way.log

    @pytest.fixture
    def make_feed(self, way: Way) -> MakeFeed:
        """A consumer of the group."""
        return way.feed

    @pytest.fixture
    def arrive(self, way: Way) -> Arrive:
        """What is in the log is on the topic."""
        return way.publish_all
