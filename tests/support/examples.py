"""Runs what a property test awaits, one example after another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def running() -> Iterator[Callable[[Coroutine[Any, Any, None]], None]]:
    """A function that runs an example to its end, all on one event loop.

    A time limit ends the wait and not the example: Hypothesis would then try it a second time while the first still
    writes into the same tables. So what is left of an example is cancelled and waited for.
    """
    loop = asyncio.new_event_loop()

    def run(example: Coroutine[Any, Any, None]) -> None:
        task = loop.create_task(example)
        try:
            loop.run_until_complete(task)
        finally:
            if not task.done():
                task.cancel()
                loop.run_until_complete(asyncio.wait([task]))

    try:
        yield run
    finally:
        loop.close()
