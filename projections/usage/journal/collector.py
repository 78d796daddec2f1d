"""The collector: keeps the usage journal up with the gateway's tables.

One is active, the others wait. It looks at the tables' parts twice a second, which costs a few milliseconds, takes the
rows of those that are new, and makes entries of them. A death at any step loses nothing and counts nothing twice: see
`taking` and `batches`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, Protocol

from projections.errors import ClickHouseUnavailable
from projections.usage.journal.collecting import Collecting, Pace
from projections.usage.journal.state import Journal
from registry.errors import Busy
from registry.follower import FOLLOWING, Patience, Pulse, keep_following
from registry.outage import Outage
from registry.parts.part import Part

logger = logging.getLogger(__name__)

SEED: Final = int.from_bytes(b"keyl-use")
_PATIENCE: Final = Patience(transport=(ClickHouseUnavailable, Busy))


class Lead(Protocol):
    """What makes one collector the active one: see registry/db/leader_lock.py."""

    @property
    def held(self) -> bool:
        """Whether this is the active one."""

    @property
    def driver(self) -> Any:
        """Raises Busy where another is."""

    async def take(self) -> Any:
        """Wait until this is the active one. Raises Busy."""

    async def release(self) -> None:
        """Let another one be."""


class Collector:
    """One collector of a journal: a Follower. `anchor` is called after each look, with the last batch that counts."""

    part: Part = "collector"

    def __init__(
        self,
        journal: Journal,
        lead: Lead,
        pace: Pace | None = None,
        anchor: Callable[[int], Awaitable[None]] | None = None,
    ) -> None:
        self._journal = journal
        self._lead = lead
        self._pace = pace or Pace()
        self._anchor = anchor
        self._wake = asyncio.Event()
        self._looked = asyncio.Condition()
        self._asked = self._answered = 0
        self.failure: Exception | None = None
        self.pulse = Pulse()
        self.outage = Outage("the collector of usage", logger)

    @property
    def leads(self) -> bool:
        """Whether this is the active collector; a standby waits."""
        return self._lead.held

    async def run(self) -> None:
        """Collect until cancelled. Whatever fails is retried."""
        await keep_following(self, "the collector of usage", _PATIENCE)

    async def follow(self) -> None:
        """See Follower."""
        await self._lead.take()
        collecting = await Collecting.begun(self._journal, self._pace, self._alive)
        self.outage.answered(FOLLOWING)
        while True:
            self._wake.clear()
            asked = self._asked
            await collecting.look()
            if self._anchor is not None:
                await self._anchor(collecting.batch)
            self.pulse.beat()
            async with self._looked:
                self._answered = asked
                self._looked.notify_all()
            if self._asked == asked:
                await self._pause()

    async def report(self, failure: str, *, stopped: bool) -> None:
        """See Follower. What it waits for is in its heartbeat's silence, and in the rows that a bill says it lacks."""

    async def release(self) -> None:
        """See Follower."""
        await self._lead.release()

    async def catch_up(self) -> None:
        """Return when all rows that the gateway's tables have now are in the journal. Only while it runs."""
        self._asked += 1
        mine = self._asked
        self._wake.set()
        async with self._looked:
            await self._looked.wait_for(lambda: self._answered >= mine)

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._pace.poll_s):
                await self._wake.wait()

    def _alive(self) -> None:
        """Called between the steps of long work. Raises LeaderLockLost where another has taken the lead."""
        assert self._lead.driver is not None  # noqa: S101 - the property raises
        self.pulse.beat()
