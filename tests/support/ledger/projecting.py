"""Bring a ledger up to the head of a log."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from audit.replay.projecting import project_into
from projections.ledger.log_tail import LogTail
from projections.ledger.projector import Projector
from projections.ledger.store import Store
from registry.log.chain_walk import Linked
from registry.log.event_log import EventLog
from registry.log.log_position import LogPosition


class UntilHead(LogTail):
    """A tail that says when the projector has applied what was the head. To ask ClickHouse takes longer than to write.

    A commit means that all is applied which was delivered before the last poll began.
    """

    def __init__(self, log: EventLog, head: int, max_batch: int) -> None:
        super().__init__(log, max_batch=max_batch)
        self._head, self._delivered, self._applied = head, 0, 0
        self.reached = asyncio.Event()

    async def start(self, applied: LogPosition) -> None:
        """See Feed."""
        await super().start(applied)
        self._delivered = applied.position

    async def poll(self, timeout_s: float) -> Sequence[Linked]:
        """See Feed."""
        self._applied = self._delivered
        linked = await super().poll(timeout_s)
        self._delivered = linked[-1].event.position if linked else self._delivered
        return linked

    async def commit(self) -> None:
        """See Feed."""
        if self._applied >= self._head:
            self.reached.set()


async def project(log: EventLog, store: Store, *, max_batch: int = 2000) -> Projector:
    """Run a projector until it has applied the head of the log, or has stopped."""
    feed = UntilHead(log, (await log.head()).position, max_batch)
    projector = Projector(feed, store, str(log.log_id), poll_s=0.05)
    tasks = [asyncio.create_task(projector.run()), asyncio.create_task(feed.reached.wait())]
    async with asyncio.timeout(30):
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return projector


async def catch_up(log: EventLog, store: Store) -> None:
    """Write what a projector would, without one: it would load the dictionary too, which costs more than the rest."""
    async for _ in project_into(log, store, await store.applied(), (await log.head()).position):
        pass
