"""Finds a transaction pooler in front of the database: behind one, session locks and LISTEN do not work."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from typing import Final

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from registry.db.causes import away, sqlstate_of
from registry.db.connection import TRANSPORT_ERRORS, driver_of
from registry.errors import PoolerFound

_MARK: Final = "SELECT set_config('keyledger.probe', $1, false), pg_backend_pid()"
_LOOK: Final = "SELECT current_setting('keyledger.probe', true), pg_backend_pid()"
# A statement was prepared in one session and is missing, or already exists, in another.
_LOST_STATEMENT: Final = frozenset({"26000", "42P05"})


async def probe(engine: AsyncEngine, *, timeout_s: float = 10.0) -> None:
    """Return if two connections of the pool have separate sessions. May be called again; writes nothing.

    Raises PoolerFound, and DatabaseAway if there is no answer in time. One connection marks its session and looks for
    the mark, and again while the other is in a transaction. That finds a pooler that hands out the most recently used
    session or the next in turn, idle or under load. It can't find one that happens to give each connection the same
    session every time: one that has as many idle sessions as clients and prefers the same one. It does not check
    whether a session pooler resets what a client leaves behind.
    """
    try:
        async with asyncio.timeout(timeout_s):
            shared = await _shared(engine)
    except (asyncpg.PostgresError, *TRANSPORT_ERRORS) as error:
        if sqlstate_of(error) in _LOST_STATEMENT:
            raise PoolerFound from error
        if isinstance(error, TRANSPORT_ERRORS):
            raise away(error, engine.url) from error
        raise
    if shared:
        raise PoolerFound


async def _shared(engine: AsyncEngine) -> bool:
    mark = secrets.token_hex(16)
    async with engine.connect() as one, engine.connect() as other:
        try:
            # The driver's own connections: no transaction begins unless we begin one.
            first, second = await driver_of(one), await driver_of(other)
            session = tuple(await first.fetchrow(_MARK, mark))
            if tuple(await first.fetchrow(_LOOK)) != session:
                return True
            await second.execute("BEGIN")
            if await second.fetchval("SELECT pg_backend_pid()") == session[1]:
                return True
            return tuple(await first.fetchrow(_LOOK)) != session
        finally:
            # This also drops the mark and the transaction.
            for connection in (one, other):
                with contextlib.suppress(*TRANSPORT_ERRORS):
                    await connection.invalidate()
