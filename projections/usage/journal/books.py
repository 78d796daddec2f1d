"""What waits for the journal, or has it to itself for a moment: its books are one collector's, or one's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from projections.errors import NotCollected
from projections.usage.journal.collecting import Collecting
from projections.usage.journal.state import Journal

_T = TypeVar("_T")


class Books(Protocol):
    """The usage journal, as those see it who write into the gateway's tables. Call it in the loop that it is of."""

    async def catch_up(self) -> None:
        """Return when all rows that the gateway's tables have now are in the journal.

        Raises NotCollected, ClickHouseError.
        """

    async def between(self, work: Callable[[Collecting], Awaitable[_T]]) -> _T:
        """Do the work while nothing is collected; return what it gives when the look after it is done.

        Raises what the work raises, NotCollected, ClickHouseError.
        """


class OwnBooks:
    """See Books, where no collector runs and nobody else can collect: as on a folder that is ours alone."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._one = asyncio.Lock()

    async def catch_up(self) -> None:
        """See Books."""
        async with self._one:
            await (await self._begun()).look()

    async def between(self, work: Callable[[Collecting], Awaitable[_T]]) -> _T:
        """See Books."""
        async with self._one:
            collecting = await self._begun()
            done = await work(collecting)
            await collecting.look()
            return done

    async def _begun(self) -> Collecting:
        return await Collecting.begun(self._journal, alone=True)


@dataclass(slots=True)
class _Asked:
    """Work that was asked for: `answer` is given after the look that follows it."""

    work: Callable[[Collecting], Awaitable[Any]]
    answer: asyncio.Future[Any]


class Turns:
    """What a collector was asked to do between its looks."""

    def __init__(self) -> None:
        self._asked: list[_Asked] = []
        self._closed: str | None = None

    def ask(self, work: Callable[[Collecting], Awaitable[_T]]) -> asyncio.Future[_T]:
        """Ask for work. While the collector can't go on, the answer is NotCollected."""
        answer: asyncio.Future[_T] = asyncio.get_running_loop().create_future()
        if self._closed is not None:
            answer.set_exception(NotCollected(self._closed))
        else:
            self._asked.append(_Asked(work, answer))
        return answer

    def open(self) -> None:
        """The collector goes on."""
        self._closed = None

    def close(self, why: str) -> None:
        """It can't: all who wait are answered so, and all who ask before it goes on again."""
        self._closed = self._closed or why
        asked, self._asked = self._asked, []
        for one in asked:
            _fail(one, NotCollected(self._closed))

    @asynccontextmanager
    async def next(self, collecting: Collecting) -> AsyncIterator[None]:
        """Do what was asked for so far, then the block, which is a look; then give the answers."""
        asked, self._asked = self._asked, []
        done: list[tuple[_Asked, Any]] = []
        try:
            while asked:
                done.append((asked[0], await _tried(asked[0], collecting)))
                asked.pop(0)
            yield
        except BaseException as error:
            for one in (*asked, *(one for one, _ in done)):
                _fail(one, error if isinstance(error, Exception) else NotCollected("it has ended"))
            raise
        for one, result in done:
            if not one.answer.done():
                one.answer.set_result(result)


async def _tried(one: _Asked, collecting: Collecting) -> Any:
    """The result; None where the work failed, which is then the answer: the collector goes on."""
    if one.answer.done():
        return None  # who asked has left
    try:
        return await one.work(collecting)
    except Exception as error:  # noqa: BLE001 - it is the caller's
        _fail(one, error)
        return None


def _fail(one: _Asked, error: Exception) -> None:
    if not one.answer.done():
        one.answer.set_exception(error)
