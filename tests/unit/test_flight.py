"""One run for all who wait: nobody gets what was read before they asked, and nothing runs for nobody."""

from __future__ import annotations

import asyncio

import pytest

from projections.flight import Flight, Remembered


class Work:
    """Work that counts its runs, and ends when it may."""

    def __init__(self) -> None:
        self.runs = 0
        self.ended = 0
        self.may_end = asyncio.Event()

    async def __call__(self) -> int:
        self.runs += 1
        run = self.runs
        try:
            await self.may_end.wait()
        finally:
            self.ended += 1
        return run


async def started(work: Work, runs: int) -> None:
    while work.runs < runs:  # noqa: ASYNC110 - the loop's own turns are waited for
        await asyncio.sleep(0)


async def test_those_who_come_during_a_run_share_the_next_one() -> None:
    work = Work()
    flight = Flight(work)
    first = asyncio.create_task(flight())
    await started(work, 1)
    later = [asyncio.create_task(flight()) for _ in range(3)]
    await asyncio.sleep(0)
    assert work.runs == 1
    work.may_end.set()
    assert (await first, await asyncio.gather(*later)) == (1, [2, 2, 2])


async def test_a_run_ends_when_the_last_who_waits_for_it_is_cancelled() -> None:
    work = Work()
    flight = Flight(work)
    callers = [asyncio.create_task(flight()) for _ in range(2)]
    await started(work, 1)
    callers[0].cancel()
    await asyncio.sleep(0)
    assert work.ended == 0
    callers[1].cancel()
    await asyncio.gather(*callers, return_exceptions=True)
    await asyncio.sleep(0)
    assert work.ended == 1
    work.may_end.set()
    assert await flight() == 2


async def test_a_failed_run_fails_for_its_callers_alone() -> None:
    runs = 0

    async def fails_once() -> int:
        nonlocal runs
        runs += 1
        if runs == 1:
            raise ValueError(runs)
        return runs

    flight = Flight(fails_once)
    with pytest.raises(ValueError, match="1"):
        await flight()
    assert await flight() == 2


async def test_what_is_remembered_is_read_again_after_a_write_and_where_nobody_knows_of_writes() -> None:
    version: int | None = 1
    runs = 0

    async def look() -> int:
        nonlocal runs, version
        runs += 1
        if runs == 2:
            version = 3  # a write while it looks, which it may have missed
        return runs

    remembered = Remembered(look, lambda: version)
    assert [await remembered(), await remembered()] == [1, 1]
    version = 2
    assert [await remembered(), await remembered(), await remembered()] == [2, 3, 3]
    version = None
    assert [await remembered(), await remembered()] == [4, 5]
