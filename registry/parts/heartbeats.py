"""The heartbeats of all parts, in the log's database: written every few seconds, and read for the status."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from registry.db.connection import execute, fetch
from registry.parts.part import Part
from registry.sql_files import read_sql

# A database that is there and says nothing holds no part up for longer, when it starts and when it stops.
WRITE_S: Final = 2.0
_BEAT, _READ, _STOP, _FORGET = (read_sql("registry.parts.sql", name) for name in ("beat", "read", "stop", "forget"))


@dataclass(frozen=True, slots=True)
class Beat:
    """What one part of this process says: whether it leads, if that matters, and how long ago it did its work."""

    instance: UUID
    part: Part
    leads: bool | None
    succeeded_s: float | None


@dataclass(frozen=True, slots=True)
class Place:
    """The process that a part runs in."""

    host: str
    pid: int


@dataclass(frozen=True, slots=True)
class Silence:
    """After how long without a beat a part counts as missing, and when one of several is no longer asked for."""

    missing_s: float
    forget_s: float


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The last beat of a part, `silent_s` ago by the database's clock."""

    instance: UUID
    part: str
    host: str
    pid: int
    started_at: datetime
    leads: bool | None
    beat_at: datetime
    succeeded_at: datetime | None
    silent_s: float


class Heartbeats:
    """The rows. There is one per process and part: old ones go with the beats of others. Methods raise Busy."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def beat(self, beats: Sequence[Beat], place: Place, ran_s: float, silence: Silence) -> None:
        """Write the beats of this process, which has run for `ran_s`. Raises the driver's errors, too."""
        await self._write(
            _BEAT,
            [one.instance for one in beats],
            [one.part for one in beats],
            place.host,
            place.pid,
            ran_s,
            [one.leads for one in beats],
            [one.succeeded_s for one in beats],
            silence.missing_s,
            silence.forget_s,
        )

    async def stop(self, instances: Sequence[UUID]) -> None:
        """Take the rows of parts away that were stopped. Raises the driver's errors, too."""
        await self._write(_STOP, list(instances))

    async def forget(self) -> None:
        """Take every row away, where nobody else can run."""
        await self._write(_FORGET)

    async def read(self) -> list[Heartbeat]:
        """All heartbeats, by part, oldest first."""
        rows = await fetch(self._engine, _READ)
        return [Heartbeat(*row) for row in rows]

    async def _write(self, statement: str, *arguments: object) -> None:
        await execute(self._engine, statement, *arguments, timeout_s=WRITE_S)
