"""The relay: every event of the log onto the topic, once in effect, in order.

The steps, and what is there when the process dies right after each:
1 lead        a standby takes over at once; nothing is published.
2 check       the checkpoint is of this log, and each event chains on the one before: else nothing is published.
3 publish     some records of the window may be there: they will be there again, and consumers know them by position.
4 checkpoint  the window is behind us.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiokafka.errors import KafkaError
from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential

from registry.errors import Busy, ChainBroken, FieldFault, FieldsRefused
from registry.log.event_log import EventLog
from registry.publish.checkpoint import Checkpoint, Lead
from registry.publish.cloudevent import Linked, write_record
from registry.publish.producer import KeyValue, Publisher
from registry.publish.topics import TopicPlan, ensure_topics

logger = logging.getLogger(__name__)

WINDOW: Final = 2000
_SLOW_S: Final = 5.0
# Waited for and tried again, for ever: the database or the broker is away, or does not let us in yet.
_RETRY: Final = retry_if_exception_type((Busy, KafkaError))


class Relay:
    """One relay of a log to a topic. `run` ends by cancellation, or raises what stopped it.

    `options` are those that every client of the broker gets. The first of `topics` is that of events; all are made
    where they are missing.
    """

    def __init__(
        self, log: EventLog, lead: Lead, options: Mapping[str, Any], *topics: TopicPlan, poll_s: float = 1.0
    ) -> None:
        self._log = log
        self._lead = lead
        self._options = options
        self._topics = topics
        self._poll_s = poll_s
        self.failure: Exception | None = None

    @property
    def leads(self) -> bool:
        """Whether this is the active relay; a standby waits."""
        return self._lead.held

    async def run(self) -> None:
        """Publish until cancelled. Raises LogBroken when log and checkpoint don't belong together, TopicUnfit."""
        try:
            async for attempt in AsyncRetrying(
                retry=_RETRY, wait=wait_random_exponential(multiplier=0.2, max=5), reraise=True
            ):
                with attempt:
                    await self._lead_on()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self.failure = error
            raise
        finally:
            await self._lead.release()

    async def _lead_on(self) -> None:
        try:
            checkpoint = await self._lead.take(self._log.log_id, self._log.genesis_hash)
            await check(self._log, checkpoint)
            await self._relay(checkpoint)
        except (Busy, KafkaError) as error:
            logger.warning("publishing waits: %s", type(error).__name__ if isinstance(error, KafkaError) else error)
            await self._show(f"publishing waits: {type(error).__name__}")
            raise
        except Exception as error:
            await self._show(str(error))
            raise
        finally:
            await self._lead.release()

    async def _relay(self, checkpoint: Checkpoint) -> None:
        await ensure_topics(self._options, *self._topics)
        publisher = Publisher(self._options, self._topics[0].name)
        try:
            await publisher.start()
            await self._lead.fail(None)
            await self._follow(checkpoint, publisher)
        finally:
            await publisher.stop()

    async def _follow(self, checkpoint: Checkpoint, publisher: Publisher) -> None:
        """Window by window; the next one is read and checked while the broker has the last."""
        reader = _Reader(self._log, checkpoint.position, checkpoint.hash)
        records = await reader.next_window()
        while True:
            if not records:
                await self._log.wait_beyond(reader.position, self._poll_s)
                records = await reader.next_window()
                continue
            before, position, hash_ = checkpoint.position, reader.position, reader.hash
            reading = asyncio.create_task(reader.next_window())
            try:
                await self._acknowledged(publisher, records)
                await self._lead.move(before, position, hash_)
                checkpoint = Checkpoint(checkpoint.log_id, position, hash_)
                records = await reading
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)

    async def _acknowledged(self, publisher: Publisher, records: list[KeyValue]) -> None:
        """Wait until the broker has them, as long as it takes; a long wait is shown."""
        sending = asyncio.create_task(publisher.publish(records))
        try:
            await asyncio.wait({sending}, timeout=_SLOW_S)
            if not sending.done():
                logger.warning("publishing waits: the broker does not acknowledge")
                await self._lead.fail("publishing waits: the broker does not acknowledge")
            await sending
        finally:
            sending.cancel()

    async def _show(self, failure: str) -> None:
        try:
            await self._lead.fail(failure)
        except Busy:
            logger.warning("the failure could not be written for `status`: %s", failure)


class _Reader:
    """Reads on from an event, window by window, and checks that each event chains on the one before."""

    def __init__(self, log: EventLog, position: int, hash_: bytes) -> None:
        self._log = log
        self.position = position
        self.hash = hash_

    async def next_window(self, limit: int = WINDOW) -> list[KeyValue]:
        """The records of the next events; none at the head. Raises ChainBroken, Busy."""
        records = []
        for event in await self._log.read(self.position, limit):
            linked = Linked(self.hash, event)
            if event.position != self.position + 1 or not linked.fits:
                raise ChainBroken(
                    f"the event at position {event.position} does not chain on position {self.position}: "
                    "the log was changed, and nothing more is published"
                )
            records.append(write_record(self._log.log_id, linked))
            self.position, self.hash = event.position, event.hash
        return records


async def check(log: EventLog, checkpoint: Checkpoint) -> None:
    """Raise ChainBroken unless the checkpoint is of this log: one that lost its tail would use positions again."""
    held = {0: log.genesis_hash} if checkpoint.position == 0 else await log.hashes([checkpoint.position])
    if checkpoint.log_id != log.log_id or held.get(checkpoint.position) != checkpoint.hash:
        raise ChainBroken(
            f"position {checkpoint.position} was published from another log, or from this one before it lost its "
            "tail: nothing more is published until an operator has looked"
        )


@dataclass(frozen=True, slots=True)
class Range:
    """Positions to publish once more, both ends included; `published` is how far the relay is."""

    since: int
    until: int
    published: int


async def repeat(log: EventLog, again: Range, publisher: Publisher, progress: Callable[[int], None]) -> int:
    """Publish a range once more; answers with how many events it had. `progress` gets each position reached.

    The checkpoint stays where it is. Harmless beside the active relay and however often. Raises FieldsRefused when the
    range is empty or begins beyond what was published, as a record could then overtake an earlier one of its key.
    """
    if not 0 < again.since <= again.published + 1:
        raise FieldsRefused(FieldFault("since", f"must be between 1 and {again.published + 1}, the next to publish"))
    if again.until < again.since:
        raise FieldsRefused(FieldFault("until", f"must not be before since, {again.since}"))
    before = await log.read(again.since - 2, 1) if again.since > 1 else []
    reader = _Reader(log, again.since - 1, before[0].hash if before else log.genesis_hash)
    while reader.position < again.until:
        records = await reader.next_window(min(WINDOW, again.until - reader.position))
        if not records:
            break
        await publisher.publish(records)
        progress(reader.position)
    return reader.position - again.since + 1
