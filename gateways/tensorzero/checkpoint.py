"""The lead among syncs of one gateway, and how far the gateway's table is: a claim and a row in the log's database."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from gateways.tensorzero import sql
from projections.errors import LogChanged
from registry.db.connection import TRANSPORT_ERRORS
from registry.db.leader_lock import LeaderLock, LeaderLockLost
from registry.errors import Busy
from registry.log.event_log import EventLog

# The only gateway so far; the row of another one would have another name.
TENSORZERO: Final = "tensorzero"
_SEED: Final = int.from_bytes(b"keyl-gtw")


@dataclass(frozen=True, slots=True)
class Synced:
    """Every key that changed up to `position` is in the table `target`; `hash` is that event's, in the log `log_id`."""

    log_id: UUID
    position: int
    hash: bytes
    target: str | None


class SyncLead:
    """One sync's claim. Every method raises Busy when the log's database can't answer.

    The row is only moved on the connection that holds the lock, and only from where it was: a sync that has lost the
    lead without knowing can write rows once more, which is harmless, but never move the checkpoint.
    """

    def __init__(self, engine: AsyncEngine, gateway: str = TENSORZERO) -> None:
        self._lock = LeaderLock(engine, gateway, _SEED)
        self._gateway = gateway
        self._asking = asyncio.Lock()  # a connection runs one statement at a time

    @property
    def held(self) -> bool:
        """Whether this is the active sync, as far as it knows."""
        return self._lock.held

    async def take(self, log_id: UUID, genesis_hash: bytes) -> Synced:
        """Wait, as long as it takes, until this is the active sync; answers with how far the table is."""
        try:
            driver = await self._lock.take()
            row = await driver.fetchrow(sql.CHECKPOINT_TAKE, self._gateway, log_id, genesis_hash)
            return Synced(row["log_id"], row["position"], row["hash"], row["target"])
        except TRANSPORT_ERRORS as error:
            raise Busy from error

    async def move(self, before: int, position: int, hash_: bytes, target: str) -> None:
        """The table has everything up to a position. Raises LeaderLockLost."""
        if await self._ask(sql.CHECKPOINT_MOVE, before, position, hash_, target) is None:
            raise LeaderLockLost

    async def fail(self, failure: str | None) -> None:
        """Show, or clear, what the sync waits for or is stopped by."""
        await self._ask(sql.CHECKPOINT_FAIL, failure)

    async def count_drift(self, repaired: int) -> None:
        """So many rows that somebody else had changed were put back."""
        await self._ask(sql.CHECKPOINT_DRIFT, repaired)

    async def looked(self, without_hash: int, *, index_missing: bool) -> None:
        """All keys were compared; so many credentials have no hash here and no row there."""
        await self._ask(sql.CHECKPOINT_LOOKED, without_hash, index_missing)

    async def forget(self, log_id: UUID, genesis_hash: bytes) -> None:
        """Begin anew: every key will be compared."""
        await self._ask(sql.CHECKPOINT_FORGET, log_id, genesis_hash)

    async def release(self) -> None:
        """Give the lead back, if it was held: a standby takes over at once."""
        await self._lock.release()

    async def _ask(self, statement: str, *arguments: object) -> Any:
        try:
            async with self._asking:
                return await self._lock.driver.fetchval(statement, self._gateway, *arguments)
        except TRANSPORT_ERRORS as error:
            raise LeaderLockLost from error


async def check(log: EventLog, synced: Synced) -> None:
    """Raise LogChanged unless the checkpoint is of this log: one that lost its tail would use positions again."""
    held = {0: log.genesis_hash} if synced.position == 0 else await log.hashes([synced.position])
    if synced.log_id != log.log_id or held.get(synced.position) != synced.hash:
        raise LogChanged(synced.position, "the gateway's table of keys")
