"""Work that goes on while a block runs, and no longer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from registry.errors import Busy

logger = logging.getLogger("keyledger.registry")


@asynccontextmanager
async def running(work: Coroutine[Any, Any, object]) -> AsyncIterator[None]:
    """Run the work until the block ends, which then waits until it has stopped. What it raises ends nothing."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def repeated(work: Callable[[], Awaitable[None]], every_s: float, failed: str) -> None:
    """Do the work every so often until cancelled. A database that is away ends nothing; see `tried`."""
    while True:
        await tried(work, failed)
        await asyncio.sleep(every_s)


async def tried(work: Callable[[], Awaitable[None]], failed: str) -> None:
    """Do the work; where the database is away, log what failed, in words."""
    try:
        await work()
    except Busy as error:
        logger.warning("%s: %s", failed, error)
