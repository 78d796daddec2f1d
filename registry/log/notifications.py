"""Wakes readers that tail the log: LISTEN/NOTIFY between processes, a condition within one. Readers also poll."""

from __future__ import annotations

import asyncio
import contextlib

from sqlalchemy.ext.asyncio import AsyncEngine

from registry.db.connection import TRANSPORT_ERRORS, DriverConnection
from registry.errors import Busy

CHANNEL = "keyledger_event"


class CommitNotifier:
    """Knows the greatest position reported so far. Losing a notification costs one poll, never an event."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._connection = DriverConnection(engine)
        self._listening: object = None
        self._position = 0
        self._changed = asyncio.Event()

    def notify(self, position: int) -> None:
        """Wake the waiters of this process: the log has reached `position`."""
        if position > self._position:
            self._position = position
            self._changed.set()
            self._changed = asyncio.Event()  # the next wait needs a new event

    async def wait_beyond(self, position: int, timeout_s: float) -> None:
        """Return when a position after `position` is reported, or after `timeout_s` at the latest."""
        await self._listen()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self._position <= position:
                    await self._changed.wait()

    async def close(self) -> None:
        """Stop listening."""
        await self._connection.close()

    async def _listen(self) -> None:
        # If LISTEN is not possible (a pooler, a server that is down), the caller still polls.
        with contextlib.suppress(Busy, *TRANSPORT_ERRORS):
            driver = await self._connection.get()
            if driver is not self._listening:
                await driver.add_listener(CHANNEL, self._heard)
                self._listening = driver

    def _heard(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        if isinstance(payload, str) and payload.isascii() and payload.isdigit():
            self.notify(int(payload))
