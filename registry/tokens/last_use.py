"""When admin tokens were last used: noted in memory, and written for all at once now and then.

It is no event: what is lost at a kill is the last half minute.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import func, or_, update
from sqlalchemy.ext.asyncio import AsyncEngine

from registry.background import repeated, running, tried
from registry.db.connection import begun, translated
from registry.db.tables import admin_token

_EVERY_S: Final = 30.0
_FAILED: Final = "the last use of admin tokens can't be written now"


class LastUse:
    """The last use of each token by this process, until it is written."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._used: dict[str, datetime] = {}

    def note(self, token_id: str) -> None:
        """A token was used now."""
        self._used[token_id] = datetime.now(UTC)

    async def write(self) -> None:
        """Write what was noted; a later use that another process wrote stays. Raises Busy, and keeps what it has."""
        used = dict(self._used)
        if not used:
            return
        column = admin_token.c.last_used_at
        with translated(self._engine):
            async with begun(self._engine) as connection:
                for token_id, at in sorted(used.items()):
                    later = or_(column.is_(None), column < at)
                    which = (admin_token.c.token_id == token_id, later)
                    await connection.execute(
                        update(admin_token).where(*which).values(last_used_at=func.least(at, func.clock_timestamp()))
                    )
        for token_id, at in used.items():
            if self._used.get(token_id) == at:
                del self._used[token_id]

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Write it now and then until the block ends, and then once more."""
        async with running(repeated(self.write, _EVERY_S, _FAILED)):
            yield
        await tried(self.write, _FAILED)
