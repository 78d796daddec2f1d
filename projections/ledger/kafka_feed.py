"""The feed that reads the topic, as a member of a consumer group.

It delivers only events that match the log (`record_check`) and sets all other records aside, with a limit. Any number
of consumers may share the partitions: ClickHouse derives how far everything is applied from what all of them wrote, so
they need not know of each other.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from projections.errors import FeedUnavailable
from projections.ledger.dead_letters import DeadLetters, DeadLetterTopic
from projections.ledger.log_tail import LEDGER
from projections.ledger.record_check import HOLDING, Claim, Rejected, judge, place, read
from projections.ledger.store import Store
from registry.log.chain_walk import Linked
from registry.log.event_log import EventLog
from registry.log.log_position import LogPosition, resume_at
from registry.publish.broker import why
from registry.publish.topics import TopicPlan, ensure_topics

logger = logging.getLogger(__name__)

# How often it checks for the operator's decision while consumption is stopped.
_LOOK_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class KafkaSubscription:
    """What to consume, and how. `options` are those that every client of the broker gets."""

    options: Mapping[str, Any]
    topic: TopicPlan
    dead_letter_topic: TopicPlan
    group: str
    dead_letters_max: int = 100  # the maximum of open ones: with more, nothing is consumed
    max_batch: int = 5000


class KafkaFeed:
    """See Feed. `poll` also raises ClickHouseError."""

    def __init__(self, log: EventLog, store: Store, letters: DeadLetters, source: KafkaSubscription) -> None:
        self._log = log
        self._store = store
        self._letters = letters
        self._source = source
        self._letter_topic = DeadLetterTopic(source.options, source.dead_letter_topic.name)
        self._consumer: AIOKafkaConsumer | None = None
        self._fetched: list[Any] = []  # not sorted yet; kept for the next poll if one fails half way
        self._polled: deque[list[Any]] = deque()  # delivered and not committed
        self._reached: dict[int, int] = {}
        self._frontier = 0
        self._stopped = False

    async def start(self, applied: LogPosition) -> None:
        """See Feed. Starts at the group's last committed offsets. Raises TopicUnfit."""
        await resume_at(self._log, applied, LEDGER)
        self._frontier = applied.position
        await self.close()
        self._consumer = await self._open()
        self._stopped = await self._too_many()

    async def poll(self, timeout_s: float) -> Sequence[Linked]:
        """See Feed. If too many dead letters are open, returns nothing until an operator has decided."""
        if not self._fetched:
            self._fetched = await self._fetch(timeout_s)
        claims, rejected = read(self._fetched, str(self._log.log_id))
        hashes = await self._log.hashes([claim.linked.event.position for claim in claims]) if claims else {}
        true, forged = judge(claims, hashes)
        await self._put_aside([*rejected, *forged])
        new = await self._new(true)
        self._polled.append(self._fetched)
        self._fetched = []
        return [claim.linked for claim in new]

    async def commit(self) -> None:
        """See Feed. Skips partitions that another consumer has taken over: it gets their events again."""
        if not self._polled:
            return
        mine = self._consumer.assignment() if self._consumer is not None else ()
        offsets: dict[TopicPartition, int] = {}
        for record in self._polled[0]:
            partition = TopicPartition(record.topic, record.partition)
            if partition in mine:
                offsets[partition] = max(record.offset + 1, offsets.get(partition, 0))
        try:
            async with _translated(self._source.options):
                if self._consumer is not None and offsets:
                    await self._consumer.commit(offsets)
        except _Moved:
            logger.info("the partitions moved to another consumer: their events are delivered again, which is harmless")
        self._polled.popleft()

    async def close(self) -> None:
        """See Feed."""
        consumer, self._consumer = self._consumer, None
        self._fetched, self._reached = [], {}
        self._polled.clear()
        if consumer is not None:
            await _stop(consumer)
        await self._letter_topic.close()

    async def _open(self) -> AIOKafkaConsumer:
        consumer = AIOKafkaConsumer(
            self._source.topic.name,
            **self._source.options,
            group_id=self._source.group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=10_000,
            max_poll_interval_ms=300_000,
            metadata_max_age_ms=30_000,  # partitions that were added are found within this time
            fetch_max_bytes=16_000_000,
        )
        try:
            async with _translated(self._source.options):
                await ensure_topics(self._source.options, self._source.topic, self._source.dead_letter_topic)
                await consumer.start()
        except BaseException:
            await _stop(consumer)
            raise
        return consumer

    async def _fetch(self, timeout_s: float) -> list[Any]:
        if self._consumer is None:
            self._consumer = await self._open()
        if self._stopped:
            # Paused, not silent: the group must see that this consumer is alive. New partitions arrive unpaused.
            self._consumer.pause(*self._consumer.assignment())
            self._stopped = await self._too_many()
            if not self._stopped:
                self._consumer.resume(*self._consumer.assignment())
        wait_ms = int(1000 * (min(timeout_s, _LOOK_S) if self._stopped else timeout_s))
        try:
            async with _translated(self._source.options):
                fetched = await self._consumer.getmany(timeout_ms=wait_ms, max_records=self._source.max_batch)
        except FeedUnavailable:
            # The driver retries by itself while a broker is down, so an error may have ended it. A new consumer starts
            # at the group's committed offsets.
            consumer, self._consumer = self._consumer, None
            await _stop(consumer)
            raise
        return [record for records in fetched.values() for record in records]

    async def _put_aside(self, rejected: list[Rejected]) -> None:
        if not rejected:
            return
        await self._letter_topic.keep(rejected)
        holding = any(one.kind in HOLDING for one in rejected)
        await self._letters.add(rejected, (await self._store.applied()).position if holding else 0)
        for one in rejected:
            logger.error("dead letter %s (%s): %s", one.id, one.kind, one.detail)
        self._stopped = await self._too_many()

    async def _new(self, claims: list[Claim]) -> list[Claim]:
        """Those not applied yet. Only events that arrive out of order can be applied, so only they are looked up."""
        suspects = [claim for claim in claims if claim.linked.event.position <= self._reached_before(claim)]
        for claim in claims:
            partition, position = claim.record.partition, claim.linked.event.position
            self._reached[partition] = max(position, self._reached.get(partition, 0))
        if not suspects:
            return claims
        already = await self._store.already(
            [(claim.linked.event.position, claim.linked.event.hash.hex()) for claim in suspects]
        )
        if not already:
            return claims
        again = [claim for claim in suspects if claim.linked.event.position in already]
        await self._letters.add_redelivered([(place(claim.record), claim.linked.event.position) for claim in again])
        return [claim for claim in claims if claim.linked.event.position not in already]

    def _reached_before(self, claim: Claim) -> int:
        return max(self._frontier, self._reached.get(claim.record.partition, 0))

    async def _too_many(self) -> bool:
        count, limit = await self._letters.count_open(), self._source.dead_letters_max
        if count > limit and not self._stopped:
            logger.error("%d dead letters are open, more than %d: nothing is consumed", count, limit)
        elif self._stopped and count <= limit:
            logger.warning("%d dead letters are open: events are consumed again", count)
        return count > limit


class _Moved(Exception):
    """Another consumer has the partitions now."""


@asynccontextmanager
async def _translated(options: Mapping[str, Any]) -> AsyncIterator[None]:
    try:
        yield
    except (CommitFailedError, IllegalStateError) as error:
        raise _Moved from error
    except KafkaError as error:
        raise FeedUnavailable(await why(error, options)) from error


async def _stop(consumer: AIOKafkaConsumer) -> None:
    """Leave the group at once, so that the others need not wait for a session timeout. Bounded; never raises."""
    with contextlib.suppress(Exception):
        async with asyncio.timeout(5):
            await consumer.stop()
