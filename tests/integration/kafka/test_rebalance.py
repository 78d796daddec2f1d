"""Consumers come, go and die while events arrive, and partitions are added: the ledger is the log's all the same."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions

from tests.support.kafka_world import Way, running, until
from tests.support.ledger.workload import fill


async def add_partitions(way: Way, total: int) -> None:
    """As an operator would, while everything runs."""
    admin = AIOKafkaAdminClient(**way.options)
    await admin.start()
    await admin.create_partitions({way.topic: NewPartitions(total_count=total)})
    await admin.close()


@pytest.mark.parametrize(("count", "changes"), [(100, 1), pytest.param(400, 3, marks=pytest.mark.long)])
async def test_partitions_change_hands_while_events_arrive(way: Way, count: int, changes: int) -> None:
    loading = asyncio.create_task(fill(way.log, seed=51, count=count))
    async with way.publishing(), way.projecting():
        for _ in range(changes):
            # Another consumer takes a share of the partitions, and is gone in the middle of its work.
            async with way.projecting() as second, way.projecting() as third:
                head = (await way.log.head()).position

                async def moved_on(beyond: int = head + 30) -> bool:
                    return (await way.store.applied()).position >= beyond or loading.done()

                await until(moved_on)
                assert (second.failure, third.failure) == (None, None)
        await loading
        await way.applied_all()
    await way.assert_whole()


async def test_partitions_are_added_while_events_arrive(way: Way) -> None:
    await fill(way.log, seed=52, count=20)
    async with way.publishing(), way.projecting():
        await way.applied_all()
        await add_partitions(way, 7)
    # The relay and the consumer that come next know of them; a consumer that runs learns of them within half a minute.
    loading = asyncio.create_task(fill(way.log, seed=53, count=100))
    async with running(way.relay().run()), way.projecting():
        await loading
        await way.applied_all()
    assert {record.partition for record in await way.records()} & {3, 4, 5, 6}
    await way.assert_whole()
