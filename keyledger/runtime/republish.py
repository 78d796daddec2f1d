"""Publishing a range of positions once more."""

from __future__ import annotations

from collections.abc import Callable

from keyledger.runtime.connections import kafka_options
from keyledger.runtime.registry import Registry
from keyledger.runtime.workers import topic_plans
from registry.publish.broker import broker
from registry.publish.producer import Publisher
from registry.publish.republish import Range, republish
from registry.publish.topics import ensure_topics


async def publish_again(registry: Registry, since: int, until: int | None, progress: Callable[[int, int], None]) -> int:
    """Publish `since` to `until` (the head when None), both included; answers with how many events that were.

    `progress` gets each position reached and the last one. Raises FieldsRefused, BrokerAway,
    TopicUnfit, SettingsError where no broker is set. See `registry.publish.republish`.
    """
    options, topics = kafka_options(registry.settings), topic_plans(registry.settings)
    last = (await registry.log.head()).position if until is None else until
    reached = {one.topic: one.published.position for one in await registry.queries.published()}
    publisher = Publisher(options, topics[0].name)
    try:
        async with broker(options):
            await ensure_topics(options, *topics)
            await publisher.start()
            again = Range(since, last, reached.get(topics[0].name, 0))
            return await republish(registry.log, again, publisher, lambda position: progress(position, last))
    finally:
        await publisher.stop()
