"""A gate in front of what is expensive: some at once, some waiting, the rest refused for now. No caller has it all."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from registry.errors import Busy, TooManyOfOne


class _Share:
    """What one caller has in the gate."""

    def __init__(self, at_once: int) -> None:
        self.slots = asyncio.Semaphore(at_once)
        self.inside = 0


class ConcurrencyLimit:
    """Admits `at_once` of `what` (in the plural) and lets `waiting` more queue, in order.

    One caller has at most half of the slots at once and a quarter of the places in the gate.
    """

    def __init__(self, what: str, at_once: int, waiting: int) -> None:
        self._what = what
        self._slots = asyncio.Semaphore(at_once)
        self._most = at_once + waiting
        self._inside = 0
        self._of_one = max(1, at_once // 2), max(1, self._most // 4)
        self._shares: defaultdict[str, _Share] = defaultdict(lambda: _Share(self._of_one[0]))

    @property
    def inside(self) -> int:
        """How many hold a slot or wait for one."""
        return self._inside

    @asynccontextmanager
    async def enter(self, caller: str) -> AsyncIterator[None]:
        """Hold a slot. Raises at once: TooManyOfOne when the caller has its share, Busy when the gate is full."""
        if self._inside >= self._most:
            raise Busy(f"too many {self._what} are being made: try again")
        share = self._shares[caller]
        if share.inside >= self._of_one[1]:
            raise TooManyOfOne(f"this token has {share.inside} {self._what} under way: wait until one is made")
        share.inside += 1
        self._inside += 1
        try:
            async with share.slots, self._slots:
                yield
        finally:
            self._inside -= 1
            share.inside -= 1
            if not share.inside:
                self._shares.pop(caller, None)
