"""The loop of long reads: what it does holds up no other loop, ends with its caller, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import pytest

from keyledger.runtime.serving.reading import Reading


class Opener:
    """Services of a kind: the name of the thread that opened them."""

    def __init__(self) -> None:
        self.open = 0
        self.refusals = 0

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[str]:
        if self.refusals:
            self.refusals -= 1
            raise ConnectionRefusedError
        self.open += 1
        try:
            yield threading.current_thread().name
        finally:
            self.open -= 1


async def test_work_that_never_yields_holds_up_nobody_else() -> None:
    go_on = threading.Event()

    async def compute(thread: str) -> str:
        assert go_on.wait(30)
        return thread

    async with Reading(Opener()) as reading:
        working = asyncio.create_task(reading.run(compute))
        # This loop goes on: otherwise the work could never end.
        asyncio.get_running_loop().call_later(0.05, go_on.set)
        assert await working == "reading"


async def test_services_that_can_not_be_opened_are_opened_by_the_next_read() -> None:
    opener = Opener()
    opener.refusals = 1

    async def name(thread: str) -> str:
        return thread

    async with Reading(opener) as reading:
        with pytest.raises(ConnectionRefusedError):
            await reading.run(name)
        assert await reading.run(name) == "reading"
        assert opener.open == 1
    assert opener.open == 0


async def test_a_caller_that_leaves_while_the_loop_starts_spoils_nothing() -> None:
    opener = Opener()

    async def name(thread: str) -> str:
        return thread

    async with Reading(opener) as reading:
        left = asyncio.create_task(reading.run(name))
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # the thread is starting
        left.cancel()
        assert await reading.run(name) == "reading"
        assert opener.open == 1
    assert opener.open == 0


async def test_work_ends_with_its_caller_and_with_the_loop() -> None:
    ended = asyncio.Queue[str]()
    home = asyncio.get_running_loop()

    def wait_as(name: str, begun: asyncio.Event) -> asyncio.Task[None]:
        async def wait(_thread: str) -> None:
            home.call_soon_threadsafe(begun.set)
            try:
                await asyncio.Event().wait()
            finally:
                home.call_soon_threadsafe(ended.put_nowait, name)

        return asyncio.create_task(reading.run(wait))

    async with Reading(Opener()) as reading:
        begun = [asyncio.Event(), asyncio.Event()]
        left, stayed = wait_as("left", begun[0]), wait_as("stayed", begun[1])
        await asyncio.gather(*(one.wait() for one in begun))
        left.cancel()
        assert await ended.get() == "left"
    assert await ended.get() == "stayed"
    with pytest.raises(asyncio.CancelledError):
        await stayed


async def test_a_stream_is_made_as_it_is_read_and_closed_when_nobody_reads() -> None:
    made = list[int]()
    closed = threading.Event()

    async def count(thread: str) -> AsyncGenerator[tuple[str, int], None]:
        try:
            for number in range(1000):
                made.append(number)
                yield thread, number
        finally:
            closed.set()

    async with Reading(Opener()) as reading:
        items = reading.stream(count)
        assert [await anext(items) for _ in range(3)] == [("reading", 0), ("reading", 1), ("reading", 2)]
        assert made == [0, 1, 2]
        await items.aclose()
        assert await asyncio.to_thread(closed.wait, 30)
