"""Writes a range of the log to a ledger, as the projector does, and ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeVar

from projections.engine.client import ClickHouse
from projections.engine.templates import Names
from projections.errors import ClickHouseUnavailable
from projections.ledger.log_tail import LEDGER
from projections.ledger.rows import AppliedEvent, LedgerRows, applied_row, project
from projections.ledger.store import Store
from registry.errors import Busy
from registry.log.chain_walk import PAGE, Linked, pages
from registry.log.event_log import EventLog
from registry.log.log_position import LogPosition, resume_at
from registry.retry import retrying

# A table part costs the same with few rows or many, and small parts are merged again and again. Two batches are in
# memory; one with very large events ends after the page that exceeds the byte limit.
BATCH: Final = 50_000
_BATCH_BYTES: Final = 32 << 20
# A checkpoint reads again what arrived in the last seconds: at the projector's rate, that is a quarter of a replay's
# time.
_CHECKPOINT_EVERY: Final = 250_000
_PATIENCE_S: Final = 60.0
_T = TypeVar("_T")


def store_for(clickhouse: ClickHouse, names: Names) -> Store:
    """The store of a ledger that is filled in one run."""
    return Store(clickhouse, names, checkpoint_every=_CHECKPOINT_EVERY)


async def project_into(
    log: EventLog, store: Store, applied: LogPosition, until: int, *, batch: int = BATCH
) -> AsyncGenerator[int, None]:
    """Write the rows of the events after what is applied, up to `until`; yields each position reached.

    If it ends early, start it again from what is applied then. Raises LogChanged if what is applied is not of this log,
    ChainBroken at an event that is missing or was changed, UndecodableEvent, Busy, and ClickHouseUnavailable after a
    minute without success.
    """
    start = await resume_at(log, applied, LEDGER)
    async with aclosing(_batches(log, start, until, batch)) as batches:
        one = await anext(batches, None)
        while one is not None:
            # The next batch is fetched, checked and turned into rows while ClickHouse handles this one.
            making = asyncio.create_task(anext(batches, None))
            try:
                await with_retries(partial(store.write, one.rows, one.applied))
                yield one.position
                one = await making
            finally:
                making.cancel()
                await asyncio.gather(making, return_exceptions=True)


@dataclass(slots=True)
class _Chunk:
    """The rows of consecutive events up to `position`."""

    log_id: str
    position: int = 0
    payload_bytes: int = 0
    rows: LedgerRows = field(default_factory=LedgerRows)
    applied: list[AppliedEvent] = field(default_factory=list)

    def take(self, linked: Sequence[Linked]) -> None:
        project((one.event for one in linked), self.rows)
        for one in linked:
            self.payload_bytes += len(one.event.payload)
            self.applied.append(applied_row(self.log_id, one))
        self.position = linked[-1].event.position


async def _batches(log: EventLog, start: LogPosition, until: int, size: int) -> AsyncGenerator[_Chunk, None]:
    batch = _Chunk(str(log.log_id))
    async with aclosing(pages(log, start, until, min(size, PAGE))) as fetched:
        async for linked in fetched:
            batch.take(linked)
            if len(batch.applied) >= size or batch.payload_bytes >= _BATCH_BYTES:
                yield batch
                batch = _Chunk(str(log.log_id))
    if batch.applied:
        yield batch


async def with_retries(work: Callable[[], Awaitable[_T]]) -> _T:
    """Do repeatable work, and retry it for a minute if the connection to a server fails."""
    async for attempt in retrying(ClickHouseUnavailable, Busy, give_up_after_s=_PATIENCE_S):
        with attempt:
            return await work()
    raise AssertionError  # the last attempt returns or raises
