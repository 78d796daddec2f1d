"""Records of the topic that are not events of our log: kept unchanged, reported, and decided by a person.

The records are in a topic of their own, unchanged, with headers that say where each came from and why it was set aside.
What is known about them, and what was decided, is in ClickHouse next to the frontier that they may hold.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

from projections.engine.client import ClickHouse
from projections.engine.templates import Names, sql
from projections.errors import FeedUnavailable
from projections.ledger.record_check import HOLDING, Rejected
from registry.publish.broker import why

HOLDS_NOTHING: Final = 2**64 - 1
SWITCH: Final = "switch"  # the kind of a letter without a record: it holds while tables are exchanged
ID_HEADER: Final = "keyledger-dead-letter"
REASON_HEADER: Final = "keyledger-reason"
CUT_HEADER: Final = "keyledger-cut"  # the size in bytes of a value that was too long to keep
RECORD_BYTES_MAX: Final = 2_200_000  # room for the largest record of the topic and our headers
_VALUE_BYTES_MAX: Final = 1_100_000
_COLUMNS: Final = (
    "id",
    "kind",
    "detail",
    "position",
    "held_position",
    "status",
    "revision",
    "reason",
    "found_at",
    "decided_at",
)


def dead_letter_topic(topic: str) -> str:
    """The dead-letter topic of a topic of events."""
    return f"{topic}.dlq"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One record that was set aside. `status` is open, replayed or waived."""

    id: str
    kind: str
    detail: str
    position: int
    held_position: int
    status: str
    reason: str
    found_at: datetime
    decided_at: datetime | None

    @property
    def holds(self) -> bool:
        """Whether it keeps everything after `held_position` from being applied."""
        return self.status == "open" and self.held_position != HOLDS_NOTHING


class DeadLetters:
    """What is known about the records that were set aside. Every method raises ClickHouseError."""

    def __init__(self, clickhouse: ClickHouse, names: Names) -> None:
        self._clickhouse = clickhouse
        self._names = names

    async def find(self, status: str | None = None, ids: Collection[str] = (), limit: int = 1000) -> list[DeadLetter]:
        """The letters with a status, or with some ids, latest first."""
        rows = await self._clickhouse.query(
            sql("queries/ledger/dead_letters", self._names),
            {"status": status or "", "ids": list(ids), "limit": limit},
        )
        return [DeadLetter(*row) for row in rows]

    async def count_open(self) -> int:
        """How many are waiting for a decision."""
        rows = await self._clickhouse.query(sql("queries/ledger/dead_letters_open", self._names))
        return int(rows[0][0])

    async def add(self, rejected: Sequence[Rejected], applied: int) -> None:
        """Record them as open. Letters that were already decided stay decided."""
        now = datetime.now(UTC)
        await self._insert(
            (
                one.id,
                one.kind,
                one.detail,
                one.position,
                applied if one.kind in HOLDING else HOLDS_NOTHING,
                "open",
                0,
                "",
                now,
                None,
            )
            for one in rejected
        )

    async def hold(self, id_: str, detail: str, position: int) -> None:
        """Apply nothing after a position while a ledger's tables are exchanged: opens a letter of the kind `switch`.

        An id that was already decided holds nothing.
        """
        await self._insert([(id_, SWITCH, detail, 0, position, "open", 0, "", datetime.now(UTC), None)])

    async def decide(self, letters: Sequence[DeadLetter], status: str, reason: str) -> None:
        """Close them as `replayed` or `waived`, which releases what they held."""
        now = datetime.now(UTC)
        await self._insert(
            (one.id, one.kind, one.detail, one.position, one.held_position, status, 1, reason, one.found_at, now)
            for one in letters
        )

    async def add_redelivered(self, places: Sequence[tuple[str, int]]) -> None:
        """Genuine events that were delivered again: (topic/partition/offset, position)."""
        now = datetime.now(UTC)
        rows = [(id_, position, now) for id_, position in places]
        await self._clickhouse.insert(f"{self._names.database}.redelivered_v1", rows, ("id", "position", "seen_at"))

    async def _insert(self, rows: Any) -> None:
        await self._clickhouse.insert(f"{self._names.database}.dead_letter_v1", list(rows), _COLUMNS)


class DeadLetterTopic:
    """Keeps the records unchanged. Methods raise FeedUnavailable."""

    def __init__(self, options: Mapping[str, Any], topic: str) -> None:
        self._options = options
        self._topic = topic
        self._producer: AIOKafkaProducer | None = None

    async def keep(self, rejected: Sequence[Rejected]) -> None:
        """Return when the broker has all of them. After a failure some may be there twice."""
        try:
            async with _translated(self._options):
                producer = await self._open()
                await asyncio.gather(*[await self._send(producer, one) for one in rejected])
        except FeedUnavailable:
            await self.close()  # it may be beyond recovery: the next attempt opens a new one
            raise

    async def replay(self, ids: Collection[str], topic: str) -> set[str]:
        """Send the records of these letters to a topic; returns the ids of those that were found.

        Reads the full dead-letter topic once.
        """
        sent: set[str] = set()
        async with _translated(self._options):
            producer = await self._open()
            async for record in self._records():
                id_ = dict(record.headers).get(ID_HEADER, b"").decode("utf-8", "replace")
                if id_ in ids and id_ not in sent:
                    headers = record.headers[:-2]  # ours are the last two
                    await producer.send_and_wait(topic, key=record.key, value=record.value, headers=headers)
                    sent.add(id_)
        return sent

    async def close(self) -> None:
        """Disconnect."""
        producer, self._producer = self._producer, None
        if producer is not None:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(5):
                    await producer.stop()

    async def _open(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                **self._options, acks="all", enable_idempotence=True, max_request_size=RECORD_BYTES_MAX
            )
            try:
                await producer.start()
            except BaseException:
                await producer.stop()
                raise
            self._producer = producer
        return self._producer

    async def _send(self, producer: AIOKafkaProducer, one: Rejected) -> asyncio.Future[Any]:
        headers = [
            *one.record.headers,
            (ID_HEADER, one.id.encode()),
            (REASON_HEADER, f"{one.kind}: {one.detail}".encode()),
        ]
        value = one.record.value if one.record.value is not None else b""
        if len(value) > _VALUE_BYTES_MAX:
            # The topic of events allowed more than this topic can hold. A letter without its value is better than a
            # stuck consumer.
            headers.insert(-2, (CUT_HEADER, str(len(value)).encode()))
            value = b""
        sent: asyncio.Future[Any] = await producer.send(self._topic, key=one.record.key, value=value, headers=headers)
        return sent

    async def _records(self) -> AsyncIterator[Any]:
        """Every record that is in the topic now."""
        # Without a group it gets every partition.
        consumer = AIOKafkaConsumer(
            self._topic, **self._options, auto_offset_reset="earliest", enable_auto_commit=False
        )
        try:
            await consumer.start()
            ends = await consumer.end_offsets(list(consumer.assignment()))
            while left := [place for place in ends if await consumer.position(place) < ends[place]]:
                for records in (await consumer.getmany(*left, timeout_ms=1000)).values():
                    for record in records:
                        yield record
        finally:
            await consumer.stop()


@asynccontextmanager
async def _translated(options: Mapping[str, Any]) -> AsyncIterator[None]:
    try:
        yield
    except KafkaError as error:
        raise FeedUnavailable(await why(error, options)) from error
