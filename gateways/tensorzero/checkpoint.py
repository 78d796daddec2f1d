"""The lead among syncs of one gateway, and how far the gateway's table is: a row in the log's database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from gateways.tensorzero import sql
from registry.db.checkpoint import Checkpoint, CheckpointSql, place_of
from registry.log.event_log import EventLog
from registry.log.log_position import LogPosition

# The only gateway so far; the row of another one would have another name.
TENSORZERO: Final = "tensorzero"
_SEED: Final = int.from_bytes(b"keyl-gtw")
_SQL: Final = CheckpointSql(sql.CHECKPOINT_TAKE, sql.CHECKPOINT_MOVE, sql.CHECKPOINT_FAIL)


@dataclass(frozen=True, slots=True)
class SyncedTable:
    """Every key that changed up to the place `at` is in the table `target`; None: in none yet."""

    at: LogPosition
    target: str | None


class SyncCheckpoint(Checkpoint):
    """One sync's view of its row. Methods raise LeaderLockLost where nothing else is said."""

    def __init__(self, engine: AsyncEngine, gateway: str = TENSORZERO) -> None:
        super().__init__(engine, gateway, _SEED, _SQL)

    async def take(self, log: EventLog) -> SyncedTable:
        """Wait, as long as it takes, until this is the active sync; answers with how far the table is. Raises Busy."""
        row = await self.take_row(log)
        return SyncedTable(place_of(row), row["target"])

    async def count_drift(self, repaired: int) -> None:
        """So many rows that somebody else had changed were put back."""
        await self.ask(sql.CHECKPOINT_DRIFT, repaired)

    async def compared(self, without_hash: int, *, index_missing: bool) -> None:
        """All keys were compared; so many credentials have no hash here and no row there."""
        await self.ask(sql.CHECKPOINT_LOOKED, without_hash, index_missing)

    async def forget(self, log: EventLog) -> None:
        """Start over: every key will be compared."""
        await self.ask(sql.CHECKPOINT_FORGET, log.log_id, log.genesis_hash)
