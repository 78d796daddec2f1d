"""One load or unload at a time, and each to its end, whether its caller waits for it or not."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

_T = TypeVar("_T")

_TURN: Final = asyncio.Lock()
_RUNNING: Final[set[asyncio.Task[Any]]] = set()


async def in_turn(work: Coroutine[Any, Any, _T]) -> _T:
    """Do the work when its turn has come. A caller that leaves would cut it off between two statements."""

    async def run() -> _T:
        async with _TURN:
            return await work

    task = asyncio.create_task(run())
    _RUNNING.add(task)
    task.add_done_callback(_ended)
    return await asyncio.shield(task)


def _ended(task: asyncio.Task[Any]) -> None:
    _RUNNING.discard(task)
    if not task.cancelled():
        task.exception()  # the caller has it, unless it has left
