"""Group commit: concurrent writes of one process share a transaction, and each gets its own result.

The lock that orders the log admits one transaction at a time, and ten events in it cost little more than one. So every
write that is queued when a transaction begins goes into it. With a second lane, the next batch is decided and sent
while the server writes the first: of a crowd, each takes half.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, overload

from registry.errors import Busy, OutcomeUnknown, TooManyOfOne
from registry.log.append.batch import Outcome
from registry.log.event_log import AnyWrite, Write, WriteMany, Written, WrittenMany

_NO_ANSWER: Final = "the log's database has not answered in time: read the key before you try again"

# So many writes that half of them are worth a transaction of their own.
_CROWD: Final = 16

Flush = Callable[[Sequence[AnyWrite]], Awaitable[list[Outcome]]]


@dataclass(slots=True)
class _Waiting:
    write: AnyWrite
    answer: asyncio.Future[Any]
    flushing: bool = False

    def expire(self) -> None:
        """Give up. What is still in the queue is not appended; of the rest nobody knows yet."""
        if not self.answer.done():
            self.answer.set_exception(OutcomeUnknown(_NO_ANSWER) if self.flushing else Busy())


class GroupCommit:
    """A bounded queue in front of `flush`, which appends a batch in one transaction, and `lanes` of them at once.

    One actor has at most `max_of_one` writes under way, so that a bulk load of one leaves room for the others.
    """

    def __init__(
        self,
        flush: Flush,
        *,
        max_batch: int = 256,
        max_queue: int = 10_000,
        max_of_one: int | None = None,
        max_wait_s: float = 15.0,
        lanes: int = 1,
    ) -> None:
        self._flush = flush
        self._max_batch = max_batch
        self._max_queue = max_queue
        self._max_of_one = max_of_one
        self._max_wait_s = max_wait_s
        self._lanes = lanes
        self._under_way: set[asyncio.Task[None]] = set()
        self._of_actor: Counter[str] = Counter()
        self._queue: deque[_Waiting] = deque()
        self._filling = False
        self._closed = False

    @overload
    async def submit(self, write: Write) -> Written: ...

    @overload
    async def submit(self, write: WriteMany) -> WrittenMany: ...

    async def submit(self, write: AnyWrite) -> Any:
        """Append in the next transaction.

        Raises Busy if the queue is full or the wait too long, TooManyOfOne if it is full of the actor's own writes, and
        whatever `flush` raises. Cancelling a caller does not affect its batch; its own write may or may not have been
        appended.
        """
        if self._closed or len(self._queue) >= self._max_queue:
            raise Busy
        actor = write.caller.actor
        if self._max_of_one is not None and self._of_actor[actor] >= self._max_of_one:
            raise TooManyOfOne(f"this token has {self._max_of_one} changes under way: wait until some are answered")
        self._of_actor[actor] += 1
        try:
            return await self._queued(write)
        finally:
            self._of_actor[actor] -= 1
            if not self._of_actor[actor]:
                del self._of_actor[actor]

    async def _queued(self, write: AnyWrite) -> Any:
        loop = asyncio.get_running_loop()
        waiting = _Waiting(write, loop.create_future())
        self._queue.append(waiting)
        if not self._filling:
            self._filling = True
            loop.call_soon(self._fill)  # those who come in this turn of the loop go together
        # Not asyncio.timeout: a tenth of what an append costs.
        limit = loop.call_later(self._max_wait_s, waiting.expire)
        try:
            return await waiting.answer
        finally:
            limit.cancel()

    async def close(self) -> None:
        """Refuse new writes and wait for the queued ones."""
        self._closed = True
        while self._under_way or self._queue:
            await asyncio.wait(self._under_way) if self._under_way else await asyncio.sleep(0)

    def _fill(self) -> None:
        """Send what waits, if a lane is free: the first for whatever there is, a further one for a crowd."""
        self._filling = False
        while self._queue and len(self._under_way) < self._lanes:
            if self._under_way and len(self._queue) < _CROWD:
                return
            if batch := self._take():
                task = asyncio.create_task(self._answer(batch), name="group-commit")
                self._under_way.add(task)
                task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._fill()

    def _take(self) -> list[_Waiting]:
        """The next batch, without writes whose caller has gone or that waited too long behind a stuck lock."""
        batch: list[_Waiting] = []
        room = self._max_batch
        if len(self._under_way) + 1 < self._lanes and len(self._queue) >= 2 * _CROWD:
            room = min(room, len(self._queue) // 2)
        while self._queue and room > 0:
            waiting = self._queue[0]
            size = len(waiting.write.streams) if isinstance(waiting.write, WriteMany) else 1
            if not waiting.answer.done():
                if batch and size > room:  # a large one goes by itself
                    break
                waiting.flushing = True
                batch.append(waiting)
                room -= size
            self._queue.popleft()
        return batch

    async def _answer(self, batch: list[_Waiting]) -> None:
        try:
            outcomes: list[Outcome] = await self._flush([waiting.write for waiting in batch])
        except Exception as error:  # noqa: BLE001 - it is raised in every caller of the batch, never swallowed
            outcomes = [error] * len(batch)
        for waiting, outcome in zip(batch, outcomes, strict=True):
            if waiting.answer.done():
                continue
            if isinstance(outcome, Exception):
                waiting.answer.set_exception(outcome)
            else:
                waiting.answer.set_result(outcome)
