"""Sends records to a topic, in an order that survives retries.

The broker gets one batch of a partition at a time, and the next only after it has acknowledged the last. So whatever
the driver does with a failed batch, no later record of the same key can overtake it. The idempotent producer keeps a
retried batch from being stored twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2

from registry.publish.cloudevent import HEADERS

logger = logging.getLogger(__name__)

BATCH_BYTES: Final = 900_000  # below the broker's limit of a megabyte, far above the largest event
STOP_S: Final = 5.0

KeyValue = tuple[bytes, bytes]


class Publisher:
    """One producer on one topic. Methods raise KafkaError."""

    def __init__(self, options: Mapping[str, Any], topic: str) -> None:
        self._topic = topic
        self._producer = AIOKafkaProducer(
            **options,
            acks="all",
            enable_idempotence=True,
            compression_type="zstd",
            max_batch_size=BATCH_BYTES,
            max_request_size=BATCH_BYTES + 100_000,
            request_timeout_ms=10_000,
            retry_backoff_ms=100,
        )
        self._partitions = 0

    async def start(self) -> None:
        """Connect."""
        await self._producer.start()
        self._partitions = len(await self._producer.partitions_for(self._topic))

    async def publish(self, records: Sequence[KeyValue]) -> None:
        """Send in order and return once all are acknowledged. After a failure some may be stored: send all again."""
        waiting: dict[int, deque[KeyValue]] = {}
        for record in records:
            waiting.setdefault(partition_of(record[0], self._partitions), deque()).append(record)
        while waiting:
            sent = [await self._send(partition, queue) for partition, queue in waiting.items()]
            # Wait for all to finish before raising the first failure: nothing of a failed window is still in flight.
            for outcome in await asyncio.gather(*sent, return_exceptions=True):
                if isinstance(outcome, BaseException):
                    raise outcome
            waiting = {partition: queue for partition, queue in waiting.items() if queue}

    async def stop(self) -> None:
        """Disconnect, within a few seconds even if the broker is down. Never raises."""
        with contextlib.suppress(Exception):
            async with asyncio.timeout(STOP_S):
                await self._producer.stop()
                return
        # stop() waits for its last batch, which is no longer needed.
        with contextlib.suppress(Exception):
            async with asyncio.timeout(STOP_S):
                await self._producer.client.close()

    async def _send(self, partition: int, queue: deque[KeyValue]) -> asyncio.Future[Any]:
        """Send one batch with as much of the queue as fits."""
        batch = self._producer.create_batch()
        while queue and batch.append(timestamp=None, key=queue[0][0], value=queue[0][1], headers=HEADERS) is not None:
            queue.popleft()
        batch.close()
        sent: asyncio.Future[Any] = await self._producer.send_batch(batch, self._topic, partition=partition)
        return sent


@lru_cache(maxsize=100_000)
def partition_of(key: bytes, partitions: int) -> int:
    """The partition that Kafka's own clients choose for a key: murmur2 without its sign, modulo `partitions`."""
    place: int = (murmur2(key) & 0x7FFFFFFF) % partitions
    return place
