"""One run of a piece of work for all who wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

_T = TypeVar("_T")


class Flight(Generic[_T]):
    """Runs work one run at a time. Each caller gets the result of a run that began after the call.

    Those who call during a run share the next one. A run ends when the last of its callers was cancelled. It belongs to
    one event loop.
    """

    def __init__(self, work: Callable[[], Awaitable[_T]]) -> None:
        self._work = work
        self._running: asyncio.Task[_T] | None = None
        self._next: asyncio.Task[_T] | None = None
        self._callers: dict[asyncio.Task[_T], int] = {}

    async def __call__(self) -> _T:
        """The result of the run. Raises what the work raises."""
        if self._next is None:
            self._next = asyncio.create_task(self._run_after(self._running))
        run = self._next
        self._callers[run] = self._callers.get(run, 0) + 1
        try:
            return await asyncio.shield(run)
        finally:
            self._callers[run] -= 1
            if not self._callers[run]:
                del self._callers[run]
                self._leave(run)

    async def _run_after(self, before: asyncio.Task[_T] | None) -> _T:
        if before is not None and not before.done():
            await asyncio.wait([before])
        self._running, self._next = self._next, None
        return await self._work()

    def _leave(self, run: asyncio.Task[_T]) -> None:
        if not run.done():
            run.cancel()
        if self._next is run:
            self._next = None


class Remembered(Flight[_T]):
    """A flight that need not start where nothing was written since the last one: `version` says so by a number."""

    def __init__(self, work: Callable[[], Awaitable[_T]], version: Callable[[], int | None]) -> None:
        super().__init__(self._remember)
        self._look = work
        self._version = version
        self._last: tuple[int, _T] | None = None

    async def __call__(self) -> _T:
        """The result of the run, or of the last one. Raises what the work raises."""
        if self._last is not None and self._last[0] == self._version():
            return self._last[1]
        return await super().__call__()

    async def _remember(self) -> _T:
        version = self._version()  # of before: what is written meanwhile may be in it or not
        found = await self._look()
        self._last = None if version is None else (version, found)
        return found
