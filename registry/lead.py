"""The lead among relays of one topic, and its checkpoint: a session lock and a row, on one connection.

PostgreSQL gives the lock back when the connection ends, whatever ended it: a kill -9 frees it at once, a machine that
vanished after the keep-alives below. The row is only ever moved on that connection and only from where it was, so a
relay that has lost the lead without knowing can repeat records but never move the checkpoint.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from registry import sql
from registry.driver import TRANSPORT_ERRORS, DriverConnection
from registry.errors import Busy

# With the topic's hash: relays of two topics don't wait for each other.
_SEED: Final = int.from_bytes(b"keyl-pub")
_TRY: Final = "SELECT pg_try_advisory_lock(hashtextextended($1, $2))"
_KEEP_ALIVE: Final = "SET tcp_keepalives_idle = 3; SET tcp_keepalives_interval = 1; SET tcp_keepalives_count = 3"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Everything up to `position` is acknowledged by the broker; `hash` is that event's, in the log `log_id`."""

    log_id: UUID
    position: int
    hash: bytes


class LostLead(Busy):
    """Another relay has taken the lead."""


class Lead:
    """One relay's claim. Every method raises Busy when the database can't answer."""

    def __init__(self, engine: AsyncEngine, topic: str, *, retry_s: float = 0.5) -> None:
        self._connection = DriverConnection(engine, prepare=_keep_alive)
        self._topic = topic
        self._retry_s = retry_s
        self._held: Any = None

    @property
    def held(self) -> bool:
        """Whether this is the active relay, as far as it knows."""
        return self._held is not None and not self._held.is_closed()

    async def take(self, log_id: UUID, genesis_hash: bytes) -> Checkpoint:
        """Wait, as long as it takes, until this is the active relay; answers with the checkpoint."""
        try:
            driver = await self._connection.get()
            while not await driver.fetchval(_TRY, self._topic, _SEED):  # noqa: ASYNC110 - the lock is in the database
                await asyncio.sleep(self._retry_s)
            self._held = driver
            row = await driver.fetchrow(sql.CHECKPOINT_TAKE, self._topic, log_id, genesis_hash)
            return Checkpoint(row["log_id"], row["position"], row["hash"])
        except TRANSPORT_ERRORS as error:
            raise Busy from error

    async def move(self, before: int, position: int, hash_: bytes) -> None:
        """Everything up to `position` is acknowledged. Raises LostLead."""
        if not self.held:
            raise LostLead
        try:
            moved = await self._held.fetchval(sql.CHECKPOINT_MOVE, self._topic, before, position, hash_)
        except TRANSPORT_ERRORS as error:
            raise LostLead from error
        if moved is None:
            raise LostLead

    async def fail(self, failure: str | None) -> None:
        """Show, or clear, what stops the active relay. Without the lead nothing happens."""
        if self.held:
            try:
                await self._held.execute(sql.CHECKPOINT_FAIL, self._topic, failure)
            except TRANSPORT_ERRORS as error:
                raise LostLead from error

    async def release(self) -> None:
        """Give the lead back, if it was held: a standby takes over at once."""
        self._held = None
        await self._connection.close()


async def _keep_alive(driver: Any) -> None:
    await driver.execute(_KEEP_ALIVE)
