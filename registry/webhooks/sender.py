"""The sender: takes the events of the log for each webhook and sends them, in order for each stream, at least once.

One is active, the others wait. The steps, and the state if the process dies right after each:
1 lead     a standby takes over at once.
2 take     the next events are deliveries that wait, and the webhook has moved on in the log, in one transaction.
3 send     the receiver may have the event. It is sent again, under the same `webhook-id`.
4 settle   the delivery is done, dead, or has the time of its next attempt; then the next of its stream may go.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from registry.db.connection import TRANSPORT_ERRORS
from registry.db.leader_lock import LeaderLock, LeaderLockLost
from registry.errors import Busy, ChainBroken
from registry.follower import FOLLOWING, Patience, Pulse, keep_following
from registry.log.chain_walk import Linked, LogReader
from registry.log.event_log import EventLog
from registry.log.log_position import resume_at
from registry.outage import Outage
from registry.parts.part import Part
from registry.publish.cloudevent import CONTENT_TYPE, write_record
from registry.webhooks import sql
from registry.webhooks.outbox import Due, LiveWebhook, Outbox, Taken, live_webhook
from registry.webhooks.receiver import Receiver, Reply
from registry.webhooks.schedule import Schedule
from registry.webhooks.signing import message_id, signed_headers

logger = logging.getLogger(__name__)

_SEED: Final = int.from_bytes(b"keyl-web")
_PAGE: Final = 500
_SWEEP_S: Final = 600.0
_PATIENCE: Final = Patience(transport=(Busy,))


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many are sent at once, in all and to one webhook, and how long at most nothing is looked at."""

    at_once: int = 64
    of_each: int = 8
    poll_s: float = 1.0


class Sender:
    """One sender of a log's webhooks: a Follower. `draw` gives numbers from 0 to 1, for the pauses."""

    part: Part = "sender"

    def __init__(
        self,
        log: EventLog,
        engine: AsyncEngine,
        receiver: Receiver,
        schedule: Schedule,
        bounds: Bounds | None = None,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._log = log
        self._lead = LeaderLock(engine, "webhooks", _SEED)
        self._outbox = Outbox(engine)
        self._receiver = receiver
        self._schedule = schedule
        self._bounds = bounds or Bounds()
        self._draw = draw
        self._readers: dict[UUID, LogReader] = {}
        self._sending: dict[tuple[UUID, str], asyncio.Task[None]] = {}
        self._head = 0
        self._swept_s = 0.0
        self.failure: Exception | None = None
        self.pulse = Pulse()
        self.outage = Outage("the sender of webhooks", logger)

    @property
    def leads(self) -> bool:
        """Whether this is the active sender; a standby waits."""
        return self._lead.held

    async def run(self) -> None:
        """Send until cancelled. Raises LogBroken where the log and what was taken of it don't match."""
        await keep_following(self, "the sender of webhooks", _PATIENCE)

    async def follow(self) -> None:
        """See Follower."""
        try:
            await self._lead.take()
        except TRANSPORT_ERRORS as error:
            raise LeaderLockLost from error
        self._readers.clear()
        self.outage.answered(FOLLOWING)
        while True:
            self._finished()
            more = await self._take_all(await self._live())
            await self._send()
            await self._sweep()
            self.pulse.beat()
            if not more:
                await self._wait()

    async def report(self, failure: str, *, stopped: bool) -> None:
        """See Follower. What is not sent shows in the lag of its webhook."""

    async def release(self) -> None:
        """See Follower. What is being sent is given up, and will be sent again."""
        sending, self._sending = list(self._sending.values()), {}
        for one in sending:
            one.cancel()
        await asyncio.gather(*sending, return_exceptions=True)
        await self._lead.release()

    async def _live(self) -> list[LiveWebhook]:
        """The webhooks, read where the lead is held: who has lost it finds out here. Raises LeaderLockLost."""
        try:
            rows = await self._lead.driver.fetch(sql.LIVE)
        except TRANSPORT_ERRORS as error:
            raise LeaderLockLost from error
        return [live_webhook(row) for row in rows]

    async def _take_all(self, webhooks: list[LiveWebhook]) -> bool:
        """Take events for each webhook that is not at the head; whether there may be more of them."""
        there = {one.webhook_id for one in webhooks}
        self._readers = {key: one for key, one in self._readers.items() if key in there}
        self._head = (await self._log.head()).position
        more = [await self._take(one) for one in webhooks if one.reached.position < self._head]
        return any(more)

    async def _take(self, webhook: LiveWebhook) -> bool:
        """Take the next page of events for a webhook; whether there may be more of them."""
        reader = self._readers.get(webhook.webhook_id)
        if reader is None or reader.at != webhook.reached:
            start = await resume_at(self._log, webhook.reached, f"the webhook {webhook.webhook_id}")
            reader = self._readers[webhook.webhook_id] = LogReader(self._log, start)
        events = [linked.event for linked in await reader.next(_PAGE)]
        if not events:
            return False
        wanted = [
            Taken(one.position, one.stream, one.type)
            for one in events
            if webhook.types is None or one.type in webhook.types
        ]
        if not await self._outbox.take(webhook, wanted, reader.at):
            del self._readers[webhook.webhook_id]
        return len(events) == _PAGE

    async def _send(self) -> None:
        """Begin what is due, as far as the bounds and what is being sent already leave room."""
        bounds = self._bounds
        room = bounds.at_once - len(self._sending)
        if room <= 0:
            return
        of_webhook = Counter(webhook_id for webhook_id, _ in self._sending)
        for due in await self._outbox.due(2 * bounds.of_each):
            place = (due.webhook_id, due.stream)
            if room and place not in self._sending and of_webhook[due.webhook_id] < bounds.of_each:
                self._sending[place] = asyncio.create_task(self._deliver(due))
                of_webhook[due.webhook_id] += 1
                room -= 1

    async def _deliver(self, due: Due) -> None:
        """Send once, and settle it. Raises Busy where it can't be settled: then it is sent again."""
        began_s = time.monotonic()
        reply = await self._sent(due)
        if reply.error is None:
            await self._outbox.settle(due, "delivered", reply, None)
            return
        pause_s = self._schedule.pause_s(due.attempts + 1, self._draw(), reply.retry_after_s)
        next_s = self._schedule.next_s(due.tried_s + time.monotonic() - began_s, pause_s)
        if next_s is None:
            words = "the webhook %s: the event at position %d is given up: %s"
            logger.warning(words, due.webhook_id, due.position, reply.error)
        await self._outbox.settle(due, "dead" if next_s is None else "pending", reply, next_s)

    async def _sent(self, due: Due) -> Reply:
        _, body = write_record(self._log.log_id, await self._event(due.position))
        headers = signed_headers(message_id(due.webhook_id, due.position), time.time(), body, due.secrets)
        return await self._receiver.send(due.url, {"content-type": CONTENT_TYPE, **headers}, body)

    async def _event(self, position: int) -> Linked:
        """An event of the log, held to the hash of the one before it. Raises ChainBroken, Busy."""
        before = max(0, position - 2)
        read = await self._log.read(before, position - before)
        previous = self._log.genesis_hash if position == 1 else read[0].hash
        linked = Linked(previous, read[-1])
        if linked.event.position != position or not linked.fits:
            raise ChainBroken(f"the event at position {position} was changed, or does not chain to the one before")
        return linked

    async def _wait(self) -> None:
        """Until there are events, a delivery has ended, or it is time to look again."""
        poll_s = self._bounds.poll_s
        waking = asyncio.ensure_future(self._log.wait_beyond(self._head, poll_s))
        try:
            waits = {waking, *self._sending.values()}
            await asyncio.wait(waits, timeout=poll_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waking.cancel()
            # Gathered and not awaited: to suppress its cancellation would lose ours, if that comes just here.
            await asyncio.gather(waking, return_exceptions=True)

    def _finished(self) -> None:
        """Forget what has been settled. Raises what kept one from being settled."""
        for place in [place for place, task in self._sending.items() if task.done()]:
            self._sending.pop(place).result()

    async def _sweep(self) -> None:
        if time.monotonic() - self._swept_s >= _SWEEP_S:
            await self._outbox.sweep()
            self._swept_s = time.monotonic()
