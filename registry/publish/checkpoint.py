"""Leadership among the relays of one topic, and how far the topic is."""

from __future__ import annotations

from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from registry.db.checkpoint import Checkpoint, CheckpointSql, place_of
from registry.log.event_log import EventLog
from registry.log.log_position import LogPosition
from registry.sql_files import read_sql

# Combined with the hash of the topic's name, so relays of different topics don't wait for each other.
_SEED: Final = int.from_bytes(b"keyl-pub")
_SQL: Final = CheckpointSql(
    *(read_sql("registry.publish.sql", f"checkpoint_{name}") for name in ("take", "move", "fail"))
)


class RelayCheckpoint(Checkpoint):
    """The broker has acknowledged everything up to it."""

    def __init__(self, engine: AsyncEngine, topic: str, *, retry_s: float = 0.5) -> None:
        super().__init__(engine, topic, _SEED, _SQL, retry_s=retry_s)

    async def take(self, log: EventLog) -> LogPosition:
        """Wait indefinitely until this is the active relay; returns how far the topic is. Raises Busy."""
        return place_of(await self.take_row(log))
