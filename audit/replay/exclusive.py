"""Allows one replay of a registry at a time, across processes: a session lock on the log's database."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncEngine

from audit.errors import ReplayRunning
from audit.replay.uninterrupted import uninterrupted
from registry.db.connection import DriverConnection, translated
from registry.errors import Busy

_KEY: Final = int.from_bytes(b"keyl-rep")
_TRY: Final = "SELECT pg_try_advisory_lock($1)"
_UNLOCK: Final = "SELECT pg_advisory_unlock($1)"
_CHECK: Final = "SELECT 1"


@asynccontextmanager
async def alone(engine: AsyncEngine) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Hold the lock for the block. Yields a function that raises Busy if the lock was lost.

    Raises ReplayRunning, Busy. A kill -9 releases the lock at once.
    """
    connection = DriverConnection(engine)

    async def ask(statement: str, *arguments: object) -> Any:
        with translated(engine):
            # Not with `get`: if this session has ended, that would open another one without the lock.
            return await driver.fetchval(statement, *arguments)

    async def check_lock() -> None:
        await ask(_CHECK)

    async def release() -> None:
        with contextlib.suppress(Busy):
            await ask(_UNLOCK, _KEY)
        await connection.close()

    with translated(engine):
        driver = await connection.get()
    try:
        if not await ask(_TRY, _KEY):
            raise ReplayRunning
        yield check_lock
    finally:
        await uninterrupted(release())
