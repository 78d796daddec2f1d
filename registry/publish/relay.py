"""The relay: publishes every event of the log to the topic, in order and effectively once.

The steps, and the state if the process dies right after each:
1 lead        a standby takes over at once; nothing is published.
2 check       the checkpoint is of this log, and each event chains to the one before; otherwise nothing is published.
3 publish     some records of the window may be stored. They will be sent again; consumers recognise them by position.
4 checkpoint  the window is done.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from registry.errors import Busy, LogBroken
from registry.follower import FOLLOWING, Patience, Pulse, keep_following
from registry.log.chain_walk import Linked, LogReader
from registry.log.event_log import EventLog
from registry.log.log_position import LogPosition, resume_at
from registry.outage import Outage
from registry.parts.part import Part
from registry.publish.broker import broker
from registry.publish.checkpoint import RelayCheckpoint
from registry.publish.cloudevent import write_record
from registry.publish.producer import Publisher
from registry.publish.topics import TopicPlan, TopicUnfit, ensure_topics

logger = logging.getLogger(__name__)

WINDOW: Final = 2000
_SLOW_S: Final = 5.0
_SLOW: Final = "the broker does not acknowledge"
_ACKNOWLEDGED: Final = "acknowledged"
_PATIENCE: Final = Patience(transport=(Busy,), fatal=(LogBroken, TopicUnfit))


class Relay:
    """One relay of a log to a topic: a Follower.

    `options` are those that every client of the broker gets. The first of `topics` is for the events; each one is
    created if it is missing.
    """

    part: Part = "relay"

    def __init__(
        self,
        log: EventLog,
        checkpoint: RelayCheckpoint,
        options: Mapping[str, Any],
        *topics: TopicPlan,
        poll_s: float = 1.0,
    ) -> None:
        self._log = log
        self._checkpoint = checkpoint
        self._options = options
        self._topics = topics
        self._poll_s = poll_s
        self.failure: Exception | None = None
        self.pulse = Pulse()
        self.outage = Outage("the relay", logger)

    @property
    def leads(self) -> bool:
        """Whether this is the active relay; a standby waits."""
        return self._checkpoint.held

    async def run(self) -> None:
        """Publish until cancelled. Raises LogBroken if log and checkpoint don't match, or TopicUnfit."""
        await keep_following(self, "the relay", _PATIENCE)

    async def follow(self) -> None:
        """See Follower."""
        kept = await self._checkpoint.take(self._log)
        start = await resume_at(self._log, kept, f"the topic {self._topics[0].name}")
        async with broker(self._options):
            await ensure_topics(self._options, *self._topics)
            publisher = Publisher(self._options, self._topics[0].name)
            try:
                await publisher.start()
                await self._checkpoint.fail(None)
                self.outage.answered(FOLLOWING)
                await self._publish(start, publisher)
            finally:
                await publisher.stop()

    async def report(self, failure: str, *, stopped: bool) -> None:  # noqa: ARG002 - both are shown the same way
        """See Follower. Writes nothing without the lead: the active relay reports its own failures."""
        if not self.leads:
            return
        try:
            await self._checkpoint.fail(failure)
        except Busy:
            logger.warning("the failure could not be saved for `status`: %s", failure)

    async def release(self) -> None:
        """See Follower."""
        await self._checkpoint.release()

    async def _publish(self, done: LogPosition, publisher: Publisher) -> None:
        """Publish window by window; the next one is read and checked while the broker handles the current one."""
        reader = LogReader(self._log, done)
        window = await reader.next(WINDOW)
        while True:
            if not window:
                window = await reader.next(WINDOW, wait_s=self._poll_s)
                self.pulse.beat()
                continue
            reached = reader.at
            reading = asyncio.create_task(reader.next(WINDOW))
            try:
                await self._acknowledged(publisher, window)
                await self._checkpoint.move(done, reached)
                self.pulse.beat()
                done = reached
                window = await reading
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)

    async def _acknowledged(self, publisher: Publisher, window: Sequence[Linked]) -> None:
        """Wait indefinitely until the broker has acknowledged the window; report a long wait."""
        records = [write_record(self._log.log_id, linked) for linked in window]
        sending = asyncio.create_task(publisher.publish(records))
        try:
            await asyncio.wait({sending}, timeout=_SLOW_S)
            if not sending.done():
                self.outage.waits(_ACKNOWLEDGED, _SLOW)
                await self._checkpoint.fail(f"waits: {_SLOW}")
            await sending
            self.outage.answered(_ACKNOWLEDGED)
        finally:
            sending.cancel()
