"""The table of kept answers, apart from the append, which writes its own into it (see `registry.log`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from registry.db.connection import execute, fetch

# How long an answer is kept, as PostgreSQL has it.
KEPT: Final = "24 hours"
_FIND: Final = f"SELECT digest, sealed FROM keyledger.kept_answer WHERE id = $1 AND kept_at > now() - interval '{KEPT}'"  # noqa: S608 - a constant
_SWEEP: Final = f"DELETE FROM keyledger.kept_answer WHERE kept_at <= now() - interval '{KEPT}'"  # noqa: S608 - as above
# An id that was kept before, and is no longer, is free.
KEEP: Final = f"""
INSERT INTO keyledger.kept_answer AS kept (id, digest, sealed, kept_at)
SELECT id, digest, sealed, clock_timestamp()
FROM unnest($1::bytea[], $2::bytea[], $3::bytea[]) AS row (id, digest, sealed)
ON CONFLICT (id) DO UPDATE SET digest = excluded.digest, sealed = excluded.sealed, kept_at = excluded.kept_at
WHERE kept.kept_at <= now() - interval '{KEPT}'
RETURNING id
"""  # noqa: S608 - as above
KNOWN: Final = f"SELECT id FROM keyledger.kept_answer WHERE id = ANY($1) AND kept_at > now() - interval '{KEPT}'"  # noqa: S608 - as above


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
        rows = await fetch(self._engine, _FIND, repeat_id)
        return KeptAnswer(*rows[0]) if rows else None

    async def keep(self, repeat_id: bytes, kept: KeptAnswer) -> bool:
        """Keep an answer; False where another one is kept under the id."""
        return await execute(self._engine, KEEP, [repeat_id], [kept.digest], [kept.sealed]) != "INSERT 0 0"

    async def sweep(self) -> None:
        """Delete what is kept no longer."""
        await execute(self._engine, _SWEEP)
