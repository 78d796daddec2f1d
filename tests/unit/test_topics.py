"""Making the topics while the brokers start: the driver has no controller to ask yet."""

from __future__ import annotations

from typing import Any

import pytest
from aiokafka.errors import KafkaError

from registry.publish import topics
from registry.publish.topics import TopicPlan, ensure_topics


class Starting:
    """aiokafka's client as it behaves then: it takes the id of a controller that is None."""

    def __init__(self, **options: Any) -> None:
        self.controller: Any = options["controller"]

    async def start(self) -> None:
        """Find the brokers."""

    async def create_topics(self, _topics: list[Any]) -> int:
        """Ask the controller."""
        return int(self.controller.nodeId)

    async def close(self) -> None:
        """Leave them."""


async def test_a_cluster_without_a_controller_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """As any failure of a broker is: else the relay or the projector would stop for good."""
    monkeypatch.setattr(topics, "AIOKafkaAdminClient", Starting)
    with pytest.raises(KafkaError):
        await ensure_topics({"controller": None}, TopicPlan("events", 1, 1, None))
