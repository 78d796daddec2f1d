"""Leader election: a session lock on a dedicated connection decides which instance is the active one.

PostgreSQL releases the lock when the connection ends, for whatever reason: at once after a kill -9, after the
keep-alives below if a machine vanishes.
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
    """One instance's bid for a name. `seed` separates one kind of lock from others."""

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
        """The connection that holds the lock, for writes reserved to the active instance. Raises LeaderLockLost."""
        if not self.held:
            raise LeaderLockLost
        return self._held

    async def take(self) -> Any:
        """Wait indefinitely until this is the active instance; returns the connection.

        Raises DatabaseAway or one of TRANSPORT_ERRORS.
        """
        driver = await self._connection.get()
        while not await driver.fetchval(_TRY, self._name, self._seed):  # noqa: ASYNC110 - the lock is in the database
            await asyncio.sleep(self._retry_s)
        self._held = driver
        return driver

    async def release(self) -> None:
        """Release the lock, if held, so that a standby takes over at once."""
        self._held = None
        await self._connection.close()


async def _keep_alive(driver: Any) -> None:
    await driver.execute(_KEEP_ALIVE)
