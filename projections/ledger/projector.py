"""The loop that writes events to ClickHouse.

The steps, and what each guarantees if the process dies right after it:
1 poll      nothing is written; the events are delivered again. The feed has checked that the log holds them.
2 project   pure rows; an event of our own log that does not decode stops the projector at once, and for good.
3 write     the rows, which no bill reads yet: their position is not applied. Writing them again gives the same rows.
4 applied   `event_applied`, for every event, also one without rows. Once all events before it are there, bills see it
            completely.
5 commit    the feed need not deliver it again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from functools import partial

from tenacity import AsyncRetrying

from projections.errors import ClickHouseUnavailable, FeedUnavailable, ProjectionError
from projections.ledger.feed import Feed
from projections.ledger.guard import LedgerGuard
from projections.ledger.rows import applied_row, project
from projections.ledger.store import Store
from registry.errors import Busy
from registry.follower import FOLLOWING, Patience, Pulse, first_error, keep_following
from registry.log.chain_walk import Linked
from registry.outage import Outage
from registry.parts.part import Part
from registry.retry import retrying

logger = logging.getLogger(__name__)

# Retried soon. An error of the log stops the projector, which `status` and /readyz show; any other is retried slowly.
_TRANSPORT = (ClickHouseUnavailable, FeedUnavailable, Busy)


class Projector:
    """One consumer of a feed: a Follower. Two at once do double work but no harm.

    The `guard`, where it has one, looks after what was written while it runs.
    """

    part: Part = "projector"
    leads: None = None

    def __init__(
        self,
        feed: Feed,
        store: Store,
        log_id: str,
        guard: LedgerGuard | None = None,
        *,
        poll_s: float = 1.0,
        reload_every_s: float = 1.0,
        again_s: float = 30.0,
    ) -> None:
        self._feed = feed
        self._store = store
        self._log_id = log_id
        self._guard = guard
        self._poll_s = poll_s
        self._reload_every_s = reload_every_s
        self._patience = Patience(_TRANSPORT, again_s=again_s)
        self._stale_dictionary = asyncio.Event()
        self._reported = False
        self.failure: Exception | None = None
        self.pulse = Pulse()
        self.outage = Outage("the projector", logger)

    async def run(self) -> None:
        """Project until cancelled. Raises LogBroken; whatever else fails is retried."""
        await keep_following(self, "the projector", self._patience)

    async def follow(self) -> None:
        """See Follower. Each step retries transport failures: else a consumer group would move its partitions."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._reload_dictionary())
                tasks.create_task(self._project())
                if self._guard is not None:
                    tasks.create_task(self._keep_guard(self._guard))
        except ExceptionGroup as stopped:
            raise first_error(stopped) from None

    async def report(self, failure: str, *, stopped: bool) -> None:
        """See Follower. It mostly waits for ClickHouse itself, so only what stopped it is written there."""
        if not stopped:
            return
        self._reported = True
        try:
            await self._store.insert_stop("clickhouse", failure)
        except ProjectionError as error:
            logger.warning("what stopped the projector could not be saved for `status`: %s", error)

    async def release(self) -> None:
        """See Follower."""
        await self._feed.close()

    async def _project(self) -> None:
        async for attempt in self._retrying("start"):
            with attempt:
                frontier = await self._store.frontier()
                await self._feed.start(frontier.applied)
                self._reported = self._reported or bool(frontier.failure)
        self.outage.answered(FOLLOWING)
        self._stale_dictionary.set()
        linked = await self._poll()
        while True:
            # The next events are fetched and checked while ClickHouse handles these.
            polling = asyncio.create_task(self._poll())
            try:
                if linked:
                    await self._apply(linked)
                async for attempt in self._retrying("commit"):
                    with attempt:
                        await self._feed.commit()
                self.pulse.beat()
                linked = await polling
                await self._clear_report()
            finally:
                polling.cancel()
                await asyncio.gather(polling, return_exceptions=True)

    async def _clear_report(self) -> None:
        """It goes on: what stopped it before, in this process or another, counts no more."""
        if self._reported:
            await self._store.insert_stop("clickhouse", "")
            self._reported = False

    async def _poll(self) -> Sequence[Linked]:
        linked: Sequence[Linked] = ()
        async for attempt in self._retrying("poll"):
            with attempt:
                linked = await self._feed.poll(self._poll_s)
        return linked

    async def _apply(self, linked: Sequence[Linked]) -> None:
        applied = [applied_row(self._log_id, one) for one in linked]
        rows = project(one.event for one in linked)
        async for attempt in self._retrying("write"):
            with attempt:
                await self._store.write(rows, applied)
        if rows:
            self._stale_dictionary.set()

    async def _keep_guard(self, guard: LedgerGuard) -> None:
        async for attempt in self._retrying("guard"):
            with attempt:
                await guard.run(partial(self.outage.answered, "guard"))

    async def _reload_dictionary(self) -> None:
        """Reload after changes, batched, and for at most a tenth of the time: a reload reads everything."""
        loop = asyncio.get_running_loop()
        while True:
            await self._stale_dictionary.wait()
            self._stale_dictionary.clear()
            began = loop.time()
            async for attempt in self._retrying("dictionary"):
                with attempt:
                    await self._store.reload_dictionary()
            await asyncio.sleep(max(self._reload_every_s, 10 * (loop.time() - began)))

    def _retrying(self, step: str) -> AsyncRetrying:
        return retrying(*_TRANSPORT, outage=self.outage, step=step)
