"""Reads that compute for long, in an event loop of their own thread: no write, and no look at health, waits for them.

The thread opens services of its own, as connections belong to the loop that opened them.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from threading import Thread, current_thread
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar

from keyledger.runtime.serving.concurrency_limit import ConcurrencyLimit

S = TypeVar("S")
T = TypeVar("T")

# How long a thread that computes keeps the interpreter from the others. Python's own 5 ms are noticed: a write asks for
# it some ten times.
_SWITCH_S: Final = 0.0005
_END_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class _Opened(Generic[S]):
    """The running loop, what it reads with, and what ends it."""

    loop: asyncio.AbstractEventLoop
    services: S
    stop: asyncio.Event
    thread: Thread


class Reading(Generic[S]):
    """The loop of long reads; its thread is started by the first of them. `async with` ends it.

    `bills`, `pages`, `audits` and `feeds` are gates for those who read. What they let in runs in turn in the one
    thread, but for what the databases do.
    """

    def __init__(self, open_services: Callable[[], AbstractAsyncContextManager[S]]) -> None:
        self._open_services = open_services
        self.bills = ConcurrencyLimit("bills", at_once=4, waiting=60)
        self.pages = ConcurrencyLimit("pages", at_once=4, waiting=200)
        self.audits = ConcurrencyLimit("audits", at_once=2, waiting=6)
        self.feeds = ConcurrencyLimit("feeds", at_once=400, waiting=0)
        self._opening: asyncio.Task[_Opened[S]] | None = None

    async def run(self, work: Callable[[S], Coroutine[Any, Any, T]]) -> T:
        """The result of the work, done with the services of the thread. Cancelling the call cancels the work.

        Raises what the work raises, and what opening the services does.
        """
        opened = await self._started()
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work(opened.services), opened.loop))

    async def stream(self, make: Callable[[S], AsyncGenerator[T, None]]) -> AsyncGenerator[T, None]:
        """What the generator gives, run with the services of the thread; it runs only while the next item is wanted."""
        opened = await self._started()
        items = make(opened.services)
        try:
            while (item := await self.run(lambda _: next_of(items))) is not None:
                yield item
        finally:
            asyncio.run_coroutine_threadsafe(items.aclose(), opened.loop)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._opening is None:
            return
        (opened,) = await asyncio.gather(self._opening, return_exceptions=True)
        if isinstance(opened, _Opened):
            opened.loop.call_soon_threadsafe(opened.stop.set)
            await asyncio.to_thread(opened.thread.join, _END_S)

    async def _started(self) -> _Opened[S]:
        # A caller that leaves meanwhile does not end what the next one waits for.
        if self._opening is None or (self._opening.done() and self._opening.exception() is not None):
            self._opening = asyncio.create_task(self._start())
        return await asyncio.shield(self._opening)

    async def _start(self) -> _Opened[S]:
        sys.setswitchinterval(_SWITCH_S)
        opening: Future[_Opened[S]] = Future()
        Thread(target=asyncio.run, args=(self._serve(opening),), name="reading", daemon=True).start()
        return await asyncio.wrap_future(opening)

    async def _serve(self, opening: Future[_Opened[S]]) -> None:
        """Hold the services open until the stop, then end what still reads."""
        try:
            async with self._open_services() as services:
                stop = asyncio.Event()
                opening.set_result(_Opened(asyncio.get_running_loop(), services, stop, current_thread()))
                await stop.wait()
                left = asyncio.all_tasks() - {asyncio.current_task()}
                for task in left:
                    task.cancel()
                await asyncio.gather(*left, return_exceptions=True)
        except BaseException as exc:
            if opening.done():
                raise
            opening.set_exception(exc)


async def next_of(items: AsyncGenerator[T, None]) -> T | None:
    """The next item; None after the last."""
    return await anext(items, None)
