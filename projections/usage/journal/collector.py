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
from typing import Any, Final, Protocol, TypeVar

from projections.errors import ClickHouseError, ClickHouseUnavailable
from projections.usage.journal.books import Turns
from projections.usage.journal.collecting import Collecting, Pace
from projections.usage.journal.state import Journal
from registry.errors import Busy
from registry.follower import FOLLOWING, Patience, Pulse, keep_following
from registry.outage import Outage
from registry.parts.part import Part

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

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
    """One collector of a journal: a Follower. `anchor` is called after each look, with the last batch that counts.

    `alone`: see Collecting.
    """

    part: Part = "collector"

    def __init__(
        self,
        journal: Journal,
        lead: Lead,
        pace: Pace | None = None,
        anchor: Callable[[int], Awaitable[None]] | None = None,
        *,
        alone: bool = False,
    ) -> None:
        self._journal = journal
        self._lead = lead
        self._pace = pace or Pace()
        self._anchor = anchor
        self._alone = alone
        self._wake = asyncio.Event()
        self._turns = Turns()
        self._said: str | None = None
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
        collecting = await Collecting.begun(self._journal, self._pace, self._alive, alone=self._alone)
        self._turns.open()
        await self._say("")
        self.outage.answered(FOLLOWING)
        while True:
            self._wake.clear()
            async with self._turns.next(collecting):
                await collecting.look()
                if self._anchor is not None:
                    await self._anchor(collecting.batch)
                self.pulse.beat()
            await self._pause()

    async def report(self, failure: str, *, stopped: bool) -> None:  # noqa: ARG002 - it goes on by itself either way
        """See Follower."""
        self._turns.close(failure)
        if self.leads:  # that a standby can't take the lead is no failure
            await self._say(failure)

    async def release(self) -> None:
        """See Follower."""
        self._turns.close("it has ended")
        await self._lead.release()

    async def catch_up(self) -> None:
        """See Books."""
        await self.between(_nothing)

    async def between(self, work: Callable[[Collecting], Awaitable[_T]]) -> _T:
        """See Books."""
        done = self._turns.ask(work)
        self._wake.set()
        return await done

    async def _say(self, failure: str) -> None:
        """Where `status` of another process finds it. ClickHouse may be what fails: then that is known there, too."""
        if failure == self._said:
            return
        with suppress(ClickHouseError):
            await self._journal.say(failure)
            self._said = failure

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._pace.poll_s):
                await self._wake.wait()

    def _alive(self) -> None:
        """Called between the steps of long work. Raises LeaderLockLost where another has taken the lead."""
        assert self._lead.driver is not None  # noqa: S101 - the property raises
        self.pulse.beat()


async def _nothing(_: Collecting) -> None:
    pass
