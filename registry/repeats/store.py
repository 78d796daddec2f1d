"""The table of kept answers, apart from the append, which writes its own into it (see `registry.log`)."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncEngine

from registry.db.connection import execute, fetch
from registry.repeats import sql


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer as it is kept: the digest of its request, and the answer sealed."""

    digest: bytes
    sealed: bytes = field(repr=False)


class KeptAnswers:
    """Reads and writes of kept answers. Every method raises Busy if the database can't answer now."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def find(self, repeat_id: bytes) -> KeptAnswer | None:
        """What is kept under the id; None without it, and after 24 hours."""
        rows = await fetch(self._engine, sql.FIND, repeat_id)
        return KeptAnswer(*rows[0]) if rows else None

    async def keep(self, repeat_id: bytes, kept: KeptAnswer) -> bool:
        """Keep an answer; False where another one is kept under the id."""
        return await execute(self._engine, sql.KEEP, [repeat_id], [kept.digest], [kept.sealed]) != "INSERT 0 0"

    async def sweep(self) -> None:
        """Delete what is kept no longer."""
        await execute(self._engine, sql.SWEEP)
