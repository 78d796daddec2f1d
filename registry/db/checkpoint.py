"""How far one follower is: a row that only the active instance moves, and the lock that makes it the active one.

The row is moved on the connection that holds the lock, and only from where it was. So an instance that has lost the
lead without knowing can do its work once more, which is harmless, but never moves the checkpoint.
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
    """Its statements; $1 is the follower's name in each.

    `take`: $2 log id, $3 genesis hash; makes the row where there is none, and gives it (log_id, position, hash, …).
    `move`: $2 the position before, $3 the new one, $4 its hash, then what the follower adds; no row when it was moved
    meanwhile. `fail`: $2 what stops it, or NULL.
    """

    take: str
    move: str
    fail: str


class Checkpoint:
    """One instance's view of its follower's row. `seed` tells the locks of one kind of follower from others."""

    def __init__(
        self, engine: AsyncEngine, name: str, seed: int, statements: CheckpointSql, *, retry_s: float = 0.5
    ) -> None:
        self._lock = LeaderLock(engine, name, seed, retry_s=retry_s)
        self._name = name
        self._sql = statements
        self._asking = asyncio.Lock()  # a connection runs one statement at a time

    @property
    def held(self) -> bool:
        """Whether this is the active instance, as far as it knows."""
        return self._lock.held

    async def take_row(self, log: EventLog) -> Any:
        """Wait, as long as it takes, until this is the active instance; answers with the row. Raises Busy."""
        with translated():
            driver = await self._lock.take()
            return await driver.fetchrow(self._sql.take, self._name, log.log_id, log.genesis_hash)

    async def move(self, before: LogPosition, after: LogPosition, *more: object) -> None:
        """Everything up to `after` is done. Raises LeaderLockLost."""
        if await self.ask(self._sql.move, before.position, after.position, after.hash, *more) is None:
            raise LeaderLockLost

    async def fail(self, failure: str | None) -> None:
        """Show, or clear, what stops the active instance. Raises LeaderLockLost."""
        await self.ask(self._sql.fail, failure)

    async def ask(self, statement: str, *arguments: object) -> Any:
        """The first value that one statement gives, on the connection that holds the lock. Raises LeaderLockLost."""
        try:
            async with self._asking:
                return await self._lock.driver.fetchval(statement, self._name, *arguments)
        except TRANSPORT_ERRORS as error:
            raise LeaderLockLost from error

    async def release(self) -> None:
        """Give the lead back, if it was held: a standby takes over at once."""
        await self._lock.release()


def place_of(row: Any) -> LogPosition:
    """The place that a row of checkpoints holds."""
    return LogPosition(row["log_id"], row["position"], row["hash"])
