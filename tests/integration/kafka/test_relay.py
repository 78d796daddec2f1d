"""The relay on a real log and a real broker: everything once in effect, in order, and nothing from a log that lies."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Any

import msgspec
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from registry.db.leader_lock import LeaderLockLost
from registry.errors import ChainBroken, FieldsRefused, LogChanged
from registry.log.append.limits import Limits
from registry.log.chain_walk import Linked
from registry.log.event_log import RecordedEvent
from registry.log.log_position import LogPosition
from registry.log.postgres import PostgresEventLog
from registry.publish.checkpoint import RelayCheckpoint
from registry.publish.cloudevent import read_record
from registry.publish.producer import Publisher, partition_of
from registry.publish.relay import Relay
from registry.publish.republish import Range, republish
from registry.publish.topics import TopicUnfit, ensure_topics
from registry.queries import Queries
from tests.support.contracts.writes import note
from tests.support.kafka_world import Way, running, until
from tests.support.ledger.workload import fill
from tests.support.servers.broker import JarBroker
from tests.support.servers.databases import Database


async def positions(way: Way) -> list[int]:
    """The positions on the topic, each time that they come."""
    return sorted(read_record(record.key, record.value).linked.event.position for record in await way.records())


def assert_in_order(records: list[Any]) -> None:
    """Of each stream, every version comes first after the one before it; repetitions may come later."""
    seen: dict[str, int] = defaultdict(int)
    for record in records:
        event = read_record(record.key, record.value).linked.event
        assert event.version <= seen[event.stream] + 1, f"version {event.version} of {event.stream} overtook one"
        seen[event.stream] = max(seen[event.stream], event.version)


async def checkpoint(way: Way) -> tuple[int, str | None]:
    """How far the relay says it is, and what stops it."""
    (one,) = await Queries(way.engine).published()
    return one.published.position, one.failure


async def test_every_event_is_there_once_in_the_order_of_its_stream_where_kafka_puts_its_key(way: Way) -> None:
    await fill(way.log, seed=1, count=80)
    await way.publish_all()
    head = (await way.log.head()).position
    records = await way.records()
    assert await positions(way) == list(range(1, head + 1))
    assert_in_order(records)
    assert {record.partition for record in records} == {0, 1, 2}
    assert all(record.partition == partition_of(record.key, 3) for record in records)
    assert await checkpoint(way) == (head, None)


@pytest.mark.parametrize(
    ("key", "murmur2"),
    [(b"21", -973932308), (b"foobar", -790332482), (b"a-little-bit-long-string", -985981536), (b"abc", 479470107)],
)
def test_a_key_is_placed_as_the_java_client_places_it(key: bytes, murmur2: int) -> None:
    """The hashes are those of the test of Kafka's own Utils.murmur2; their sign is cut off."""
    assert partition_of(key, 7) == (murmur2 & 0x7FFFFFFF) % 7


async def test_a_new_event_is_published_at_once_while_the_relay_runs(way: Way) -> None:
    async with way.publishing():
        for number in range(1, 6):
            await way.log.write(note(f"thing-{number}"))

            async def there(expected: int = number) -> bool:
                return (await checkpoint(way))[0] == expected

            await until(there)
    assert await positions(way) == [1, 2, 3, 4, 5]


class DiesBeforeTheCheckpoint(RelayCheckpoint):
    """A checkpoint whose relay is gone after the broker has acknowledged."""

    async def move(self, *_: object) -> None:
        """Gone."""
        raise asyncio.CancelledError


async def test_a_relay_that_died_before_its_checkpoint_is_repeated_and_nothing_is_overtaken(way: Way) -> None:
    await fill(way.log, seed=2, count=40)
    dying = Relay(way.log, DiesBeforeTheCheckpoint(way.engine, way.topic), way.options, *way.plans)
    with pytest.raises(asyncio.CancelledError):
        await dying.run()
    head = (await way.log.head()).position
    assert await positions(way) == list(range(1, head + 1))
    await way.publish_all()
    assert await positions(way) == sorted([*range(1, head + 1)] * 2)
    assert_in_order(await way.records())


async def test_publishing_goes_on_when_the_leaders_connection_is_cut(way: Way, database: Database) -> None:
    first, second = way.relay(), way.relay()
    await way.log.write(note("thing-1"))

    async def one_leads() -> bool:
        return first.leads

    async def one_of_the_two_leads() -> bool:
        return second.leads or first.leads

    async with running(first.run()) as (_,):
        await until(one_leads)
        async with running(second.run()):
            assert not second.leads
            async with database.connect() as owner:
                await owner.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
                    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
                )
            await way.log.write(note("thing-1"))
            await until(one_of_the_two_leads, 10)

            async def published() -> bool:
                return (await checkpoint(way))[0] == 2

            await until(published)
    assert set(await positions(way)) == {1, 2}


async def test_who_lost_the_lead_without_knowing_can_not_move_the_checkpoint(way: Way) -> None:
    events = (await way.log.write(note("thing-1", times=2))).events
    old = RelayCheckpoint(way.engine, way.topic)
    start = await old.take(way.log)
    async with way.engine.begin() as connection:
        await connection.execute(text("UPDATE keyledger.relay_checkpoint SET position = 2"))
    with pytest.raises(LeaderLockLost):
        await old.move(start, LogPosition(way.log.log_id, 1, events[0].hash))
    await old.release()
    assert (await checkpoint(way))[0] == 2


@pytest.mark.parametrize("column", ["hash", "log_id"])
async def test_a_checkpoint_of_another_log_publishes_nothing_and_is_told(way: Way, column: str) -> None:
    await way.log.write(note("thing-1"))
    await way.publish_all()
    await way.log.write(note("thing-1"))
    value = {"hash": "decode(repeat('00', 32), 'hex')", "log_id": "gen_random_uuid()"}[column]
    async with way.engine.begin() as connection:
        await connection.execute(text(f"UPDATE keyledger.relay_checkpoint SET {column} = {value}"))
    relay = way.relay()
    with pytest.raises(LogChanged, match="position 1 of another log"):
        await relay.run()
    assert await positions(way) == [1]
    position, failure = await checkpoint(way)
    assert (position, isinstance(relay.failure, LogChanged)) == (1, True)
    assert failure is not None
    assert "another log" in failure


class Tampered(PostgresEventLog):
    """A log of which one event was changed."""

    async def read(self, after: int, limit: int) -> list[RecordedEvent]:
        """As it is, but one."""
        return [
            msgspec.structs.replace(event, actor="mallory") if event.position == 3 else event
            for event in await super().read(after, limit)
        ]


async def test_an_event_that_was_changed_stops_publishing(way: Way, postgres_log: PostgresEventLog) -> None:
    await fill(way.log, seed=3, count=5)
    way.log = Tampered(way.engine, postgres_log.log_id, Limits())
    with pytest.raises(ChainBroken, match="position 3"):
        await way.relay().run()
    await way.log.close()
    assert await positions(way) == []


async def test_a_range_is_repeated_and_the_checkpoint_stays(way: Way) -> None:
    await fill(way.log, seed=4, count=20)
    await way.publish_all()
    head = (await way.log.head()).position
    publisher = Publisher(way.options, way.topic)
    seen: list[int] = []
    await publisher.start()
    try:
        assert await republish(way.log, Range(3, 7, head), publisher, seen.append) == 5
        assert seen == [7]
        for bad in (Range(0, 3, head), Range(head + 2, head + 3, head), Range(5, 4, head)):
            with pytest.raises(FieldsRefused):
                await republish(way.log, bad, publisher, seen.append)
    finally:
        await publisher.stop()
    assert await positions(way) == sorted([*range(1, head + 1), 3, 4, 5, 6, 7])
    assert await checkpoint(way) == (head, None)
    first, *_ = [r for r in await way.records() if read_record(r.key, r.value).linked.event.position == 3]
    events = await way.log.read(1, 2)
    assert read_record(first.key, first.value).linked == Linked(events[0].hash, events[1])


async def configs(way: Way, topic: str) -> dict[str, str]:
    """The settings of a topic."""
    admin = AIOKafkaAdminClient(**way.options)
    await admin.start()
    [response] = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    await admin.close()
    return {entry[0]: entry[1] for entry in response.resources[0][4]}


async def test_topics_are_made_as_stated(way: Way) -> None:
    await ensure_topics(way.options, *way.plans)
    await ensure_topics(way.options, *way.plans)
    made, letters = await configs(way, way.topic), await configs(way, f"{way.topic}.dlq")
    assert (made["retention.ms"], made["cleanup.policy"]) == (str(168 * 3_600_000), "delete")
    assert (letters["retention.ms"], letters["max.message.bytes"]) == ("-1", "2200000")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"cleanup.policy": "compact"}, "compacted"),
        ({"retention.ms": "1000"}, "retention.ms"),
        ({"max.message.bytes": "1000"}, "max.message.bytes"),
        ({}, ""),
        ({"retention.ms": "-1"}, ""),
    ],
)
async def test_a_topic_that_would_lose_events_is_refused(way: Way, settings: dict[str, str], words: str) -> None:
    admin = AIOKafkaAdminClient(**way.options)
    await admin.start()
    await admin.create_topics([NewTopic(way.topic, 5, 1, topic_configs=settings)])
    await admin.close()
    if not words:
        await ensure_topics(way.options, way.plans[0])
        return
    with pytest.raises(TopicUnfit, match=words):
        await way.relay().run()
    assert words in str((await checkpoint(way))[1])


@pytest.mark.long  # in make test the whole registry goes through it: acceptance/test_kafka.py
async def test_a_broker_that_is_away_and_killed_loses_and_reorders_nothing(
    own_broker: JarBroker, topic: str, postgres_log: PostgresEventLog, engine: AsyncEngine,
    clickhouse: ClickHouse, names: Names,
) -> None:  # fmt: skip
    way = Way(postgres_log, engine, own_broker.bootstrap_servers, topic, clickhouse, names)
    own_broker.kill()
    await fill(way.log, seed=5, count=20)
    async with way.publishing(), way.projecting():

        async def told() -> bool:
            found = await Queries(way.engine).published()
            return bool(found and found[0].failure and "waits" in found[0].failure)

        await until(told)
        await asyncio.to_thread(own_broker.start)
        await way.applied_all()
        for seed in (6, 7):
            filling = asyncio.create_task(fill(way.log, seed=seed, count=100))
            await asyncio.to_thread(own_broker.kill)
            await filling
            await asyncio.to_thread(own_broker.start)
        await way.applied_all()
        assert (await checkpoint(way))[1] is None
    await way.assert_whole()
    head = (await way.log.head()).position
    assert set(await positions(way)) == set(range(1, head + 1))
    assert_in_order(await way.records())
