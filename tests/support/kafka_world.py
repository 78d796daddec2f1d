"""The way of events through a real broker, in the process of a test: relay, topic, projector, ledger."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from sqlalchemy.ext.asyncio import AsyncEngine

from keyledger.runtime.registry import registry_on
from keyledger.runtime.status import Status, status_of
from keyledger.runtime.watching.read_side import ReadSide
from keyledger.settings import Settings
from projections.engine import ddl
from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from projections.ledger.dead_letters import DeadLetters, dead_letter_topic
from projections.ledger.kafka_feed import KafkaFeed, KafkaSubscription
from projections.ledger.log_tail import LogTail
from projections.ledger.presence import Presence
from projections.ledger.projector import Projector
from projections.ledger.store import Store
from registry.log.event_log import EventLog
from registry.publish.checkpoint import RelayCheckpoint
from registry.publish.relay import Relay
from registry.publish.topics import TopicPlan, ensure_topics
from tests.support.ledger_tables import contents

PATIENCE_S = 60.0


@dataclass
class Way:
    """One log, one topic, one ledger. What is started ends with its block."""

    log: EventLog
    engine: AsyncEngine
    bootstrap_servers: str
    topic: str
    clickhouse: ClickHouse
    names: Names
    partitions: int = 3
    dead_letters_max: int = 100
    store: Store = field(init=False)
    letters: DeadLetters = field(init=False)

    def __post_init__(self) -> None:
        self.store, self.letters = Store(self.clickhouse, self.names), DeadLetters(self.clickhouse, self.names)

    @property
    def options(self) -> dict[str, Any]:
        """What every client of the broker gets."""
        return {"bootstrap_servers": self.bootstrap_servers}

    @property
    def plans(self) -> tuple[TopicPlan, TopicPlan]:
        """The topic of events and that of dead letters."""
        letters = TopicPlan(dead_letter_topic(self.topic), 1, None, None, 2_200_000)
        return TopicPlan(self.topic, self.partitions, None, 168), letters

    def relay(self) -> Relay:
        """A relay that does not run yet."""
        return Relay(
            self.log, RelayCheckpoint(self.engine, self.topic, retry_s=0.1), self.options, *self.plans, poll_s=0.1
        )

    def feed(self, group: str | None = None) -> KafkaFeed:
        """A feed that is not started."""
        source = KafkaSubscription(self.options, *self.plans, group or self.topic, self.dead_letters_max)
        return KafkaFeed(self.log, self.store, self.letters, source)

    def projector(self) -> Projector:
        """A projector on the topic that does not run yet."""
        return Projector(self.feed(), self.store, str(self.log.log_id), poll_s=0.1)

    @asynccontextmanager
    async def publishing(self) -> AsyncIterator[Relay]:
        """A relay that runs for the block."""
        relay = self.relay()
        async with running(relay.run()):
            yield relay

    @asynccontextmanager
    async def projecting(self) -> AsyncIterator[Projector]:
        """A projector that runs for the block."""
        projector = self.projector()
        async with running(projector.run()):
            yield projector

    async def publish_all(self) -> None:
        """Publish what is in the log, and stop."""
        async with self.publishing():
            await until(self._published)

    async def applied_all(self) -> None:
        """Return when the head of the log is applied."""
        head = (await self.log.head()).position

        async def reached() -> bool:
            return (await self.store.applied()).position >= head

        await until(reached)

    async def put(self, *records: tuple[bytes | None, bytes | None], partition: int | None = None) -> None:
        """Write records of anybody's to the topic: (key, value)."""
        await ensure_topics(self.options, *self.plans)
        producer = AIOKafkaProducer(**self.options, max_request_size=2_000_000)
        await producer.start()
        try:
            for key, value in records:
                await producer.send_and_wait(self.topic, key=key, value=value, partition=partition)
        finally:
            await producer.stop()

    async def records(self, topic: str | None = None) -> list[Any]:
        """Everything that is on a topic now, partition by partition."""
        consumer = AIOKafkaConsumer(topic or self.topic, **self.options, auto_offset_reset="earliest")
        await consumer.start()
        try:
            ends = await consumer.end_offsets(list(consumer.assignment()))
            found: list[Any] = []
            while left := [place for place in ends if await consumer.position(place) < ends[place]]:
                for records in (await consumer.getmany(*left, timeout_ms=500)).values():
                    found += records
            return sorted(found, key=lambda record: (record.partition, record.offset))
        finally:
            await consumer.stop()

    async def replayed(self) -> list[list[tuple[Any, ...]]]:
        """The rows that a fresh replay of the log gives, in databases of its own."""
        names = Names(f"{self.names.database}_again", f"{self.names.gateway}_again")
        await ddl.apply(self.clickhouse, names, gateway_tables=True, durable=False)
        store = Store(self.clickhouse, names)
        head = (await self.log.head()).position

        async def reached() -> bool:
            return (await store.applied()).position >= head

        try:
            async with running(Projector(LogTail(self.log), store, str(self.log.log_id), poll_s=0.1).run()):
                await until(reached)
            return await contents(self.clickhouse, names)
        finally:
            for database in (names.database, names.gateway):
                await self.clickhouse.command(f"DROP DATABASE {database}")

    async def assert_whole(self) -> None:
        """The head is applied, and the ledger equals a fresh replay of the log, row for row."""
        assert (await self.store.applied()).position == (await self.log.head()).position
        assert await contents(self.clickhouse, self.names) == await self.replayed()

    async def _published(self) -> bool:
        head = (await self.log.head()).position
        async with self.engine.connect() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
            assert driver is not None
            position = await driver.fetchval(
                "SELECT position FROM keyledger.relay_checkpoint WHERE topic = $1", self.topic
            )
        return position is not None and position >= head


async def until(reached: Callable[[], Awaitable[bool]], patience_s: float = PATIENCE_S) -> None:
    """Return when it is so; TimeoutError when it does not come."""
    async with asyncio.timeout(patience_s):
        while not await reached():  # noqa: ASYNC110 - what is waited for is in a database
            await asyncio.sleep(0.05)


@asynccontextmanager
async def running(*work: Any) -> AsyncIterator[Sequence[asyncio.Task[None]]]:
    """Tasks that run for the block; what one of them raised is raised at its end."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def status(way: Way, *, hole_alarm_s: float = 3600) -> Status:
    """As `keyledger status` reads it, from a process of its own."""
    registry = registry_on(way.log, way.engine, Settings())
    presence = Presence(way.clickhouse, way.names)
    return await status_of(registry, ReadSide(way.store, way.letters, presence, way.dead_letters_max, hole_alarm_s))
