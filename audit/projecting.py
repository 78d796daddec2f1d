"""Brings a range of the log into a ledger, as the projector does, and ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Final, TypeVar

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from audit.pages import pages
from projections.errors import ClickHouseUnavailable
from projections.feed import check_applied
from projections.rows import project
from projections.store import Applied, Store
from registry.cloudevent import Linked
from registry.errors import Busy
from registry.event_log import EventLog

# Of the largest events some hundred MB are in memory: a batch that is written, and one that is fetched meanwhile.
BATCH: Final = 10_000
_PATIENCE_S: Final = 60.0
_T = TypeVar("_T")


async def project_into(
    log: EventLog, store: Store, applied: Applied, until: int, *, batch: int = BATCH
) -> AsyncGenerator[int, None]:
    """Write the rows of the events after what is applied, up to `until`; tells each position that is reached.

    Ended anywhere, it may be begun again from what is applied then. Raises LogChanged when what is applied is not of
    this log, ChainBroken at an event that is not what was recorded, UndecodableEvent, Busy; and ClickHouseUnavailable
    after a minute without success.
    """
    await check_applied(log, applied)
    previous = bytes.fromhex(applied.hash) if applied.position else log.genesis_hash
    async with aclosing(pages(log, applied.position, previous, until, batch)) as fetched:
        async for linked in fetched:
            await patiently(lambda: _write(store, str(log.log_id), linked))  # noqa: B023 - awaited here
            yield linked[-1].event.position


async def patiently(work: Callable[[], Awaitable[_T]]) -> _T:
    """Do what may be done again, and again after a failure of the way to a server, for a minute."""
    async for attempt in AsyncRetrying(
        retry=retry_if_exception_type((ClickHouseUnavailable, Busy)),
        stop=stop_after_delay(_PATIENCE_S),
        wait=wait_random_exponential(multiplier=0.1, max=5),
        reraise=True,
    ):
        with attempt:
            return await work()
    raise AssertionError  # the last attempt returns or raises


async def _write(store: Store, log_id: str, linked: Sequence[Linked]) -> None:
    rows = project(one.event for one in linked)
    await asyncio.gather(
        store.insert_tag_changes(rows.tag_changes),
        store.insert_life(rows.life),
        store.insert_credentials(rows.credentials),
    )
    # After all rows, as in the projector: what is applied is whole, wherever it ends.
    await store.insert_applied([
        (one.event.position, log_id, one.previous_hash.hex(), one.event.hash.hex(), one.event.recorded_us)
        for one in linked
    ])  # fmt: skip
