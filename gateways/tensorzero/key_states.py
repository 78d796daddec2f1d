"""What the sync reads in the log's database: which keys changed, and the state of keys with their secrets' hashes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from gateways.tensorzero import sql
from gateways.tensorzero.rows import GatewayRow, rows_of
from registry.db.connection import TRANSPORT_ERRORS, DriverConnection
from registry.errors import Busy
from registry.keys.state import KeyState
from registry.log import stream_state


@dataclass(frozen=True, slots=True)
class Changed:
    """The streams of keys that changed in a page of the log, and the page's last event."""

    streams: tuple[str, ...]
    position: int
    hash: bytes


class KeyStateReader:
    """Reads the log's database, each method in one statement: of one moment. Raises Busy."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._connection = DriverConnection(engine)
        self._asking = asyncio.Lock()  # a connection runs one statement at a time

    async def changed(self, after: int, limit: int) -> Changed | None:
        """What changed after a position; None when nothing did. What it changed to is not read from the events."""
        rows = await self._fetch(sql.CHANGED, after, limit)
        if not rows:
            return None
        streams = dict.fromkeys(row["stream"] for row in rows if row["stream"].startswith("key-"))
        return Changed(tuple(streams), rows[-1]["position"], rows[-1]["hash"])

    async def streams(self, after: str, limit: int) -> list[str]:
        """The next keys' streams, in their order."""
        return [row["stream"] for row in await self._fetch(sql.STREAMS, after, limit)]

    async def rows(self, streams: Sequence[str]) -> list[tuple[KeyState, GatewayRow]]:
        """The gateway's rows of some keys as they are now, each with its key."""
        return [pair for row in await self._fetch(sql.KEYS, list(streams)) for pair in pairs(row)]

    async def close(self) -> None:
        """Give the connection back."""
        await self._connection.close()

    async def _fetch(self, statement: str, *arguments: object) -> list[Any]:
        try:
            async with self._asking:
                driver = await self._connection.get()
                rows: list[Any] = await driver.fetch(statement, *arguments)
                return rows
        except TRANSPORT_ERRORS as error:
            raise Busy from error


def pairs(row: Any) -> list[tuple[KeyState, GatewayRow]]:
    """A key's rows, from a row of `sql/keys.sql`."""
    key = stream_state.load(row["stream"], row["document"])
    if not isinstance(key, KeyState):
        raise TypeError(f"the row of {row['stream']} holds no key")
    hashes = dict(zip(row["credential_ids"], row["hashes"], strict=True))
    return [(key, one) for one in rows_of(key, hashes)]
