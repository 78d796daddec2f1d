"""Wakes those who tail the log: LISTEN/NOTIFY between processes, a condition within one. The poll stays the floor."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import asyncpg
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

CHANNEL = "keyledger_event"


class Wake:
    """Knows the greatest position that anybody has told of; losing a notification costs one poll, never an event."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._position = 0
        self._changed = asyncio.Event()
        self._connection: AsyncConnection | None = None
        self._connecting = asyncio.Lock()

    def notify(self, position: int) -> None:
        """Tell the waiters of this process that the log has reached `position`."""
        if position > self._position:
            self._position = position
            self._changed.set()
            self._changed = asyncio.Event()

    async def wait_beyond(self, position: int, timeout_s: float) -> None:
        """Return when a position beyond `position` was told of, at the latest after `timeout_s`."""
        await self._listen()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self._position <= position:
                    await self._changed.wait()

    async def close(self) -> None:
        """Stop listening."""
        if self._connection is not None:
            await self._connection.invalidate()
            await self._connection.close()
            self._connection = None

    async def _listen(self) -> None:
        async with self._connecting:
            if self._connection is not None:
                raw = await self._connection.get_raw_connection()
                if not getattr(raw.driver_connection, "is_closed", lambda: True)():
                    return
                self._connection = None
            # Where listening is not to be had (a pooler, a server that is away), the poll of the caller goes on.
            with contextlib.suppress(SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                connection = await self._engine.connect()
                raw = await connection.get_raw_connection()
                driver: Any = raw.driver_connection
                await driver.add_listener(CHANNEL, self._heard)
                self._connection = connection

    def _heard(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        if isinstance(payload, str) and payload.isascii() and payload.isdigit():
            self.notify(int(payload))
