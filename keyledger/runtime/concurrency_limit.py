"""A gate in front of what is expensive: some at once, some waiting, the rest refused for now."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from registry.errors import Busy


class ConcurrencyLimit:
    """Admits `at_once` and lets `waiting` more queue, in order."""

    def __init__(self, at_once: int, waiting: int) -> None:
        self._slots = asyncio.Semaphore(at_once)
        self._most = at_once + waiting
        self._inside = 0

    @asynccontextmanager
    async def enter(self) -> AsyncIterator[None]:
        """Hold a slot. Raises Busy at once when the queue is full."""
        if self._inside >= self._most:
            raise Busy("too many bills are being made: try again")
        self._inside += 1
        try:
            async with self._slots:
                yield
        finally:
            self._inside -= 1
