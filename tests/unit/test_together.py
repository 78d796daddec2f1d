"""Work that is done at once fails by the first that failed, and leaves nothing running."""

from __future__ import annotations

import asyncio

import pytest

from projections.together import together


class Work:
    """Pieces of work, and what became of them."""

    def __init__(self) -> None:
        self.log: list[str] = []

    async def takes(self, name: str, turns: int, error: Exception | None = None) -> str:
        """So many turns of the loop, then its name or an error."""
        try:
            for _ in range(turns):
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.log.append(f"{name} cancelled")
            raise
        self.log.append(name)
        if error is not None:
            raise error
        return name


async def test_all_are_done_at_once_and_their_results_keep_their_order() -> None:
    work = Work()
    assert await together(work.takes("slow", 9), work.takes("quick", 1)) == ("slow", "quick")
    assert work.log == ["quick", "slow"]


async def test_who_fails_cancels_those_after_it_and_waits_for_those_before() -> None:
    work = Work()
    with pytest.raises(ZeroDivisionError):
        await together(work.takes("before", 9), work.takes("fails", 1, ZeroDivisionError()), work.takes("after", 99))
    assert work.log == ["fails", "before", "after cancelled"]


async def test_of_two_errors_the_first_in_order_is_raised() -> None:
    work = Work()
    with pytest.raises(KeyError):
        await together(work.takes("says why", 9, KeyError()), work.takes("fails of it", 1, ZeroDivisionError()))


async def test_who_is_cancelled_leaves_nothing_running() -> None:
    work = Work()
    task = asyncio.create_task(together(work.takes("one", 99), work.takes("two", 99)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert work.log == ["one cancelled", "two cancelled"]
