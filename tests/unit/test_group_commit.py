"""The queue in front of the log: who shares a batch, who is turned away, and who is left alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from registry.errors import Busy, TooManyOfOne
from registry.log.append.batch import Outcome
from registry.log.append.group_commit import GroupCommit
from registry.log.event_log import AnyWrite, Caller, Write, Written


def write(stream: str) -> Write:
    """A wish that decides nothing."""
    return Write(stream, lambda _scene: (), Caller("operator"))


class Pipe:
    """A flush that waits until it is let go, and remembers its batches."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.go = asyncio.Event()
        self.failure: Exception | None = None

    async def flush(self, writes: Sequence[AnyWrite]) -> list[Outcome]:
        """Answer each write with its place in the batch."""
        self.batches.append([one.stream for one in writes if isinstance(one, Write)])
        await self.go.wait()
        if self.failure is not None:
            raise self.failure
        return [Written((), None, place, datetime.now(UTC)) for place, _ in enumerate(writes)]


async def start(group: GroupCommit, *streams: str) -> list[asyncio.Task[Written]]:
    """Submit writes, one after the other, none answered yet."""
    tasks = [asyncio.create_task(group.submit(write(stream))) for stream in streams]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


async def test_what_waits_while_a_batch_runs_goes_into_the_next_together() -> None:
    pipe = Pipe()
    group = GroupCommit(pipe.flush, max_batch=3)
    first = await start(group, "a")
    rest = await start(group, "b", "c", "d", "e")
    assert pipe.batches == [["a"]]
    pipe.go.set()
    answers = await asyncio.gather(*first, *rest)
    assert pipe.batches == [["a"], ["b", "c", "d"], ["e"]]
    assert [answer.position for answer in answers] == [0, 0, 1, 2, 0]


async def test_a_full_queue_is_busy_at_once() -> None:
    pipe = Pipe()
    group = GroupCommit(pipe.flush, max_queue=2)
    running = await start(group, "running")
    waiting = await start(group, "a", "b")
    with pytest.raises(Busy):
        await group.submit(write("c"))
    pipe.go.set()
    await asyncio.gather(*running, *waiting)
    assert (await group.submit(write("d"))).position == 0


async def test_who_waited_too_long_is_told_busy_and_is_not_appended() -> None:
    pipe = Pipe()
    group = GroupCommit(pipe.flush, max_wait_s=0.0)
    running = await start(group, "running")
    late = await start(group, "late")
    pipe.go.set()
    answers = await asyncio.gather(*running, *late, return_exceptions=True)
    assert isinstance(answers[1], Busy)
    assert all("late" not in batch for batch in pipe.batches)


async def test_who_has_gone_before_the_batch_is_left_out_and_nobody_else() -> None:
    pipe = Pipe()
    group = GroupCommit(pipe.flush)
    running = await start(group, "running")
    waiting = await start(group, "a", "gone", "b")
    waiting[1].cancel()
    pipe.go.set()
    await asyncio.gather(*running, *waiting, return_exceptions=True)
    assert pipe.batches == [["running"], ["a", "b"]]


async def test_who_goes_while_the_batch_runs_does_not_disturb_it() -> None:
    pipe = Pipe()
    group = GroupCommit(pipe.flush)
    tasks = await start(group, "a", "gone", "b")
    tasks[1].cancel()
    await asyncio.sleep(0)
    pipe.go.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [getattr(answer, "position", None) for answer in answers] == [0, None, 2]


async def test_a_batch_that_fails_fails_all_of_it_and_the_next_goes_on() -> None:
    pipe = Pipe()
    group = GroupCommit(pipe.flush)
    tasks = await start(group, "a", "b")
    pipe.failure = Busy("the server is away")
    pipe.go.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert answers == [pipe.failure] * 2
    pipe.failure = None
    assert (await group.submit(write("c"))).position == 0


async def test_a_second_lane_takes_half_of_a_crowd_and_nothing_less() -> None:
    pipe = Pipe()
    group = GroupCommit(pipe.flush, lanes=2)
    first = await start(group, "first")
    few = await start(group, *(f"few-{number}" for number in range(15)))
    assert [len(batch) for batch in pipe.batches] == [1], "the few go together when the first is done"
    crowd = await start(group, *(f"crowd-{number}" for number in range(40)))
    assert [len(batch) for batch in pipe.batches] == [1, 55], "now they are a crowd"
    pipe.go.set()
    await asyncio.gather(*first, *few, *crowd)
    pipe.go.clear()
    assert sum(map(len, pipe.batches)) == 56
    pipe.batches.clear()
    halves = [asyncio.create_task(group.submit(write(str(number)))) for number in range(100)]
    await asyncio.sleep(0.01)
    assert [len(batch) for batch in pipe.batches] == [50, 50]
    pipe.go.set()
    await asyncio.gather(*halves)
    await group.close()


async def test_closing_ends_what_waits_and_refuses_the_rest() -> None:
    pipe = Pipe()
    group = GroupCommit(pipe.flush)
    tasks = await start(group, "a", "b")
    closing = asyncio.create_task(group.close())
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await group.submit(write("c"))
    pipe.go.set()
    await closing
    assert all(task.done() for task in tasks)
    await GroupCommit(pipe.flush).close()


async def test_one_actor_s_bulk_load_leaves_room_for_the_others() -> None:
    pipe = Pipe()
    group = GroupCommit(pipe.flush, max_queue=10, max_of_one=3)
    bulk = await start(group, "a", "b", "c")
    with pytest.raises(TooManyOfOne, match="3 changes under way"):
        await group.submit(write("d"))
    other = asyncio.create_task(group.submit(replace(write("e"), caller=Caller("token-other"))))
    await asyncio.sleep(0)
    pipe.go.set()
    await asyncio.gather(*bulk, other)
    assert await group.submit(write("f")), "answered writes count no more"
