"""Whole streams of the log, page by page: in memory is a page of names, and the life of one key at a time.

The log is append-only: what it has up to a position is the same at every read, so pages need no common snapshot.
Pages follow the order in which the database sorts streams.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from registry.db.connection import begun, translated
from registry.db.tables import event
from registry.keys.as_of import Moment
from registry.keys.events import key_stream
from registry.log.event_log import COLUMNS, RecordedEvent

_KEYS: Final = event.c.stream.startswith(key_stream(""))
_COLUMNS: Final = tuple(event.c[name] for name in COLUMNS)
_PREFETCH: Final = 2000


async def keys_then(engine: AsyncEngine, then: Moment, after: str, limit: int) -> list[str]:
    """The streams of keys that were created by then, the next ones after a stream. Raises Busy."""
    created = (event.c.version == 1, event.c.position <= then.known_at, event.c.effective_at <= then.at)
    return await _streams(engine, select(event.c.stream).where(*created, _KEYS, event.c.stream > after), limit)


async def keys_touched(engine: AsyncEngine, since: int, until: int, after: str, limit: int) -> list[str]:
    """The streams of keys with an event after position `since` up to `until`, the next ones after a stream."""
    within = (event.c.position > since, event.c.position <= until)
    return await _streams(
        engine, select(event.c.stream).where(*within, _KEYS, event.c.stream > after).distinct(), limit
    )


async def histories(
    engine: AsyncEngine, streams: Sequence[str], known_at: int
) -> AsyncGenerator[tuple[str, list[RecordedEvent]], None]:
    """Each stream with its events up to a position, oldest first; those without any are left out. Raises Busy."""
    wanted = (
        select(*_COLUMNS)
        .where(event.c.stream.in_(streams), event.c.position <= known_at)
        .order_by(event.c.stream, event.c.version)
    )
    history: list[RecordedEvent] = []
    async with _connection(engine) as connection:
        async for row in await connection.stream(wanted, execution_options={"yield_per": _PREFETCH}):
            recorded = RecordedEvent.from_columns(row)
            if history and history[0].stream != recorded.stream:
                yield history[0].stream, history
                history = []
            history.append(recorded)
    if history:
        yield history[0].stream, history


async def _streams(engine: AsyncEngine, wanted: Select[Any], limit: int) -> list[str]:
    async with _connection(engine) as connection:
        return list((await connection.scalars(wanted.order_by(event.c.stream).limit(limit))).all())


@asynccontextmanager
async def _connection(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    with translated(engine):
        async with begun(engine) as connection:
            yield connection
