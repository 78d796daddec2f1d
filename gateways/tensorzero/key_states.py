"""What the sync reads from the log's database: which keys changed, and keys' states with their secrets' hashes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from gateways.tensorzero import sql
from gateways.tensorzero.rows import GatewayRow, rows_of
from registry.db.connection import DriverConnection
from registry.keys.state import KeyState
from registry.log import stream_state
from registry.log.log_position import LogPosition


@dataclass(frozen=True, slots=True)
class Changed:
    """The streams of keys that changed in a page of the log, and the page's last event."""

    streams: tuple[str, ...]
    at: LogPosition


class KeyStateReader:
    """Reads the log's database. Each method is one statement, so it sees one moment. Raises Busy."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._connection = DriverConnection(engine)

    async def changed(self, after: LogPosition, limit: int) -> Changed | None:
        """The keys that changed after a position; None at the end of the log. Does not read what changed in them."""
        rows = await self._connection.fetch(sql.CHANGED, after.position, limit)
        if not rows:
            return None
        streams = dict.fromkeys(row["stream"] for row in rows if row["stream"].startswith("key-"))
        return Changed(tuple(streams), LogPosition(after.log_id, rows[-1]["position"], rows[-1]["hash"]))

    async def streams(self, after: str, limit: int) -> list[str]:
        """The next keys' streams, in order."""
        return [row["stream"] for row in await self._connection.fetch(sql.STREAMS, after, limit)]

    async def rows(self, streams: Sequence[str]) -> list[tuple[KeyState, GatewayRow]]:
        """The gateway rows of some keys in their current state, each with its key."""
        return [pair for row in await self._connection.fetch(sql.KEYS, list(streams)) for pair in pairs(row)]

    async def close(self) -> None:
        """Release the connection."""
        await self._connection.close()


def pairs(row: Any) -> list[tuple[KeyState, GatewayRow]]:
    """A key's gateway rows, from a row of `sql/log/keys.sql`."""
    key = stream_state.load_key(row["stream"], row["document"])
    hashes = dict(zip(row["credential_ids"], row["hashes"], strict=True))
    return [(key, one) for one in rows_of(key, hashes)]
