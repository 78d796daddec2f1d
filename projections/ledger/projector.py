"""The loop that brings events into ClickHouse.

The steps, and what each guarantees when the process dies right after it:
1 poll      nothing is written; the events come again. The feed has checked them: they are what the log holds.
2 project   pure rows; an event of our own log that does not decode stops the projector at once.
3 write     the rows, which no bill reads yet: its position is not applied. Written again, they are the same rows.
4 applied   `event_applied`, for every event, also one without rows: bills see it, whole, once all before it are there.
5 commit    the feed need not deliver it again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from tenacity import AsyncRetrying, before_sleep_log, retry_if_exception_type, wait_random_exponential

from projections.errors import ClickHouseUnavailable, FeedUnavailable, ProjectionError
from projections.ledger.feed import Feed
from projections.ledger.rows import applied_row, project
from projections.ledger.store import Store
from registry.errors import Busy
from registry.publish.cloudevent import Linked

logger = logging.getLogger(__name__)

# Transport: wait and try again, for ever; all else stops the projector and is shown by `status` and /readyz.
_RETRY = retry_if_exception_type((ClickHouseUnavailable, FeedUnavailable, Busy))


class Projector:
    """One consumer of a feed. `run` ends by cancellation, or raises what stopped it, which `failure` then holds."""

    def __init__(
        self, feed: Feed, store: Store, log_id: str, *, poll_s: float = 1.0, reload_every_s: float = 1.0
    ) -> None:
        self._feed = feed
        self._store = store
        self._log_id = log_id
        self._poll_s = poll_s
        self._reload_every_s = reload_every_s
        self._stale_dictionary = asyncio.Event()
        self.failure: Exception | None = None

    async def run(self) -> None:
        """Project until cancelled. Safe to run again after any end; two at once do double work but no harm."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._reload_dictionary())
                tasks.create_task(self._project())
        except ExceptionGroup as stopped:
            self.failure = _first(stopped)
            logger.error("the projector stopped: %s", self.failure)  # noqa: TRY400 - no values of a trace in logs
            await self._show(str(self.failure))
            raise self.failure from None
        finally:
            await self._feed.close()

    async def _project(self) -> None:
        async for attempt in _retrying():
            with attempt:
                await self._feed.start(await self._store.applied())
        self._stale_dictionary.set()
        linked = await self._poll()
        while True:
            # The next events are fetched and checked while ClickHouse has these.
            polling = asyncio.create_task(self._poll())
            try:
                if linked:
                    await self._apply(linked)
                async for attempt in _retrying():
                    with attempt:
                        await self._feed.commit()
                linked = await polling
            finally:
                polling.cancel()
                await asyncio.gather(polling, return_exceptions=True)

    async def _poll(self) -> Sequence[Linked]:
        linked: Sequence[Linked] = ()
        async for attempt in _retrying():
            with attempt:
                linked = await self._feed.poll(self._poll_s)
        return linked

    async def _apply(self, linked: Sequence[Linked]) -> None:
        applied = [applied_row(self._log_id, one) for one in linked]
        rows = project(one.event for one in linked)
        async for attempt in _retrying():
            with attempt:
                await self._store.write(rows, applied)
        if rows:
            self._stale_dictionary.set()

    async def _show(self, failure: str) -> None:
        """Leave word of what stopped it where `status` of another process finds it, if that can be."""
        try:
            await self._store.insert_stop("clickhouse", failure)
        except ProjectionError as error:
            logger.warning("what stopped the projector could not be written for `status`: %s", error)

    async def _reload_dictionary(self) -> None:
        """Reload after changes, together, and never for more than a tenth of the time: a reload reads everything."""
        loop = asyncio.get_running_loop()
        while True:
            await self._stale_dictionary.wait()
            self._stale_dictionary.clear()
            began = loop.time()
            async for attempt in _retrying():
                with attempt:
                    await self._store.reload_dictionary()
            await asyncio.sleep(max(self._reload_every_s, 10 * (loop.time() - began)))


def _retrying() -> AsyncRetrying:
    return AsyncRetrying(
        retry=_RETRY,
        wait=wait_random_exponential(multiplier=0.1, max=5),
        before_sleep=before_sleep_log(logger, logging.WARNING),
        reraise=True,
    )


def _first(group: BaseExceptionGroup[Exception]) -> Exception:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, Exception)  # noqa: S101 - for the type checker
    return error
