"""The lead among relays of one topic, and how far the topic is."""

from __future__ import annotations

from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from registry.db.checkpoint import Checkpoint, CheckpointSql, place_of
from registry.log.event_log import EventLog
from registry.log.log_position import LogPosition
from registry.sql_files import read_sql

# With the topic's hash: relays of two topics don't wait for each other.
_SEED: Final = int.from_bytes(b"keyl-pub")
_SQL: Final = CheckpointSql(
    *(read_sql("registry.publish.sql", f"checkpoint_{name}") for name in ("take", "move", "fail"))
)


class RelayCheckpoint(Checkpoint):
    """Everything up to it is acknowledged by the broker."""

    def __init__(self, engine: AsyncEngine, topic: str, *, retry_s: float = 0.5) -> None:
        super().__init__(engine, topic, _SEED, _SQL, retry_s=retry_s)

    async def take(self, log: EventLog) -> LogPosition:
        """Wait, as long as it takes, until this is the active relay; answers with how far the topic is. Raises Busy."""
        return place_of(await self.take_row(log))
