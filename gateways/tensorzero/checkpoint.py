"""Leadership among the syncs of one gateway, and how far the gateway's table is: a row in the log's database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from gateways.tensorzero import sql
from registry.db.checkpoint import Checkpoint, CheckpointSql, place_of
from registry.log.event_log import EventLog
from registry.log.log_position import LogPosition

# The only gateway so far; another one would use another name for its row.
TENSORZERO: Final = "tensorzero"
_SEED: Final = int.from_bytes(b"keyl-gtw")
_SQL: Final = CheckpointSql(sql.CHECKPOINT_TAKE, sql.CHECKPOINT_MOVE, sql.CHECKPOINT_FAIL)


@dataclass(frozen=True, slots=True)
class SyncedTable:
    """Every key that changed up to `at` is in the table `target`; None means that no table has been filled yet."""

    at: LogPosition
    target: str | None


class SyncCheckpoint(Checkpoint):
    """One sync's access to its row. Methods raise LeaderLockLost unless they say otherwise."""

    def __init__(self, engine: AsyncEngine, gateway: str = TENSORZERO) -> None:
        super().__init__(engine, gateway, _SEED, _SQL)

    async def take(self, log: EventLog) -> SyncedTable:
        """Wait indefinitely until this is the active sync; returns how far the table is. Raises Busy."""
        row = await self.take_row(log)
        return SyncedTable(place_of(row), row["target"])

    async def count_drift(self, repaired: int) -> None:
        """Add to the count of rows that somebody else had changed and that were repaired."""
        await self.ask(sql.CHECKPOINT_DRIFT, repaired)

    async def compared(self, without_hash: int, *, index_missing: bool) -> None:
        """Record that all keys were compared, and how many credentials have no hash here and no row there."""
        await self.ask(sql.CHECKPOINT_LOOKED, without_hash, index_missing)

    async def forget(self, log: EventLog) -> None:
        """Start over: every key will be compared."""
        await self.ask(sql.CHECKPOINT_FORGET, log.log_id, log.genesis_hash)
