"""The lead among relays of one topic, and its checkpoint: a claim and a row, on one connection.

The row is only ever moved on that connection and only from where it was, so a relay that has lost the lead without
knowing can repeat records but never move the checkpoint.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from registry.db.connection import TRANSPORT_ERRORS
from registry.db.leader_lock import LeaderLock, LeaderLockLost
from registry.errors import Busy
from registry.log import sql

# With the topic's hash: relays of two topics don't wait for each other.
_SEED: Final = int.from_bytes(b"keyl-pub")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Everything up to `position` is acknowledged by the broker; `hash` is that event's, in the log `log_id`."""

    log_id: UUID
    position: int
    hash: bytes


class Lead:
    """One relay's claim. Every method raises Busy when the database can't answer."""

    def __init__(self, engine: AsyncEngine, topic: str, *, retry_s: float = 0.5) -> None:
        self._lock = LeaderLock(engine, topic, _SEED, retry_s=retry_s)
        self._topic = topic

    @property
    def held(self) -> bool:
        """Whether this is the active relay, as far as it knows."""
        return self._lock.held

    async def take(self, log_id: UUID, genesis_hash: bytes) -> Checkpoint:
        """Wait, as long as it takes, until this is the active relay; answers with the checkpoint."""
        try:
            driver = await self._lock.take()
            row = await driver.fetchrow(sql.CHECKPOINT_TAKE, self._topic, log_id, genesis_hash)
            return Checkpoint(row["log_id"], row["position"], row["hash"])
        except TRANSPORT_ERRORS as error:
            raise Busy from error

    async def move(self, before: int, position: int, hash_: bytes) -> None:
        """Everything up to `position` is acknowledged. Raises LeaderLockLost."""
        try:
            moved = await self._lock.driver.fetchval(sql.CHECKPOINT_MOVE, self._topic, before, position, hash_)
        except TRANSPORT_ERRORS as error:
            raise LeaderLockLost from error
        if moved is None:
            raise LeaderLockLost

    async def fail(self, failure: str | None) -> None:
        """Show, or clear, what stops the active relay. Without the lead nothing happens."""
        if self.held:
            try:
                await self._lock.driver.execute(sql.CHECKPOINT_FAIL, self._topic, failure)
            except TRANSPORT_ERRORS as error:
                raise LeaderLockLost from error

    async def release(self) -> None:
        """Give the lead back, if it was held: a standby takes over at once."""
        await self._lock.release()
