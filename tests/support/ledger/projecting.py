"""Bring a ledger up to the head of a log."""

from __future__ import annotations

import asyncio

from audit.replay.projecting import project_into
from projections.ledger.log_tail import LogTail
from projections.ledger.projector import Projector
from projections.ledger.store import Store
from registry.log.event_log import EventLog


async def project(log: EventLog, store: Store, *, max_batch: int = 2000) -> Projector:
    """Run a projector until it has applied the head of the log, or has stopped."""
    projector = Projector(LogTail(log, max_batch=max_batch), store, str(log.log_id), poll_s=0.05)
    task = asyncio.create_task(projector.run())
    head = (await log.head()).position
    async with asyncio.timeout(30):
        while not task.done() and (await store.applied()).position < head:
            await asyncio.wait({task}, timeout=0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return projector


async def catch_up(log: EventLog, store: Store) -> None:
    """Write what a projector would, without one: it would load the dictionary too, which costs more than the rest."""
    async for _ in project_into(log, store, await store.applied(), (await log.head()).position):
        pass
