"""A claim to be the one active instance of something: a session lock on a connection of its own.

PostgreSQL gives the lock back when the connection ends, whatever ended it: a kill -9 frees it at once, a machine that
vanished after the keep-alives below.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncEngine

from registry.db.connection import DriverConnection
from registry.errors import Busy

_TRY: Final = "SELECT pg_try_advisory_lock(hashtextextended($1, $2))"
_KEEP_ALIVE: Final = "SET tcp_keepalives_idle = 3; SET tcp_keepalives_interval = 1; SET tcp_keepalives_count = 3"


class LeaderLockLost(Busy):
    """Another instance has taken the lead."""


class LeaderLock:
    """One instance's claim to a name, among the claims of one kind, which `seed` tells apart from others."""

    def __init__(self, engine: AsyncEngine, name: str, seed: int, *, retry_s: float = 0.5) -> None:
        self._connection = DriverConnection(engine, prepare=_keep_alive)
        self._name = name
        self._seed = seed
        self._retry_s = retry_s
        self._held: Any = None

    @property
    def held(self) -> bool:
        """Whether this is the active instance, as far as it knows."""
        return self._held is not None and not self._held.is_closed()

    @property
    def driver(self) -> Any:
        """The connection that holds the lock, for what only the active instance may write. Raises LeaderLockLost."""
        if not self.held:
            raise LeaderLockLost
        return self._held

    async def take(self) -> Any:
        """Wait, as long as it takes, until this is the active instance; answers with the connection.

        Raises one of TRANSPORT_ERRORS.
        """
        driver = await self._connection.get()
        while not await driver.fetchval(_TRY, self._name, self._seed):  # noqa: ASYNC110 - the lock is in the database
            await asyncio.sleep(self._retry_s)
        self._held = driver
        return driver

    async def release(self) -> None:
        """Give it back, if it was held: a standby takes over at once."""
        self._held = None
        await self._connection.close()


async def _keep_alive(driver: Any) -> None:
    await driver.execute(_KEEP_ALIVE)
