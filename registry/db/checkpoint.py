"""How far a follower is: a row that only the active instance moves, and the lock that makes it the active one.

The row is moved on the connection that holds the lock, and only from its previous position. So an instance that lost
the lead without noticing may repeat work, which is harmless, but never moves the checkpoint.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from registry.db.connection import TRANSPORT_ERRORS, translated
from registry.db.leader_lock import LeaderLock, LeaderLockLost
from registry.log.event_log import EventLog
from registry.log.log_position import LogPosition


@dataclass(frozen=True, slots=True)
class CheckpointSql:
    """The statements on the row; $1 is always the follower's name.

    `take`: $2 log id, $3 genesis hash; creates the row if it is missing and returns (log_id, position, hash, …).
    `move`: $2 the previous position, $3 the new one, $4 its hash, then what the follower adds; returns no row if
    another instance moved it. `fail`: $2 what stops it, or NULL.
    """

    take: str
    move: str
    fail: str


class Checkpoint:
    """One instance's access to its follower's row. `seed` separates the locks of one kind of follower from others."""

    def __init__(
        self, engine: AsyncEngine, name: str, seed: int, statements: CheckpointSql, *, retry_s: float = 0.5
    ) -> None:
        self._engine = engine
        self._lock = LeaderLock(engine, name, seed, retry_s=retry_s)
        self._name = name
        self._sql = statements
        self._asking = asyncio.Lock()  # a connection runs one statement at a time

    @property
    def held(self) -> bool:
        """Whether this is the active instance, as far as it knows."""
        return self._lock.held

    async def take_row(self, log: EventLog) -> Any:
        """Wait indefinitely until this is the active instance; returns the row. Raises Busy."""
        with translated(self._engine):
            driver = await self._lock.take()
            return await driver.fetchrow(self._sql.take, self._name, log.log_id, log.genesis_hash)

    async def move(self, before: LogPosition, after: LogPosition, *more: object) -> None:
        """Record that everything up to `after` is done. Raises LeaderLockLost."""
        if await self.ask(self._sql.move, before.position, after.position, after.hash, *more) is None:
            raise LeaderLockLost

    async def fail(self, failure: str | None) -> None:
        """Record, or clear with None, what stops the active instance. Raises LeaderLockLost."""
        await self.ask(self._sql.fail, failure)

    async def ask(self, statement: str, *arguments: object) -> Any:
        """Run one statement on the connection that holds the lock; returns its first value. Raises LeaderLockLost."""
        try:
            async with self._asking:
                return await self._lock.driver.fetchval(statement, self._name, *arguments)
        except TRANSPORT_ERRORS as error:
            raise LeaderLockLost from error

    async def release(self) -> None:
        """Release the lead, if held, so that a standby takes over at once."""
        await self._lock.release()


def place_of(row: Any) -> LogPosition:
    """The position in a checkpoint row."""
    return LogPosition(row["log_id"], row["position"], row["hash"])
