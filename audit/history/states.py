"""The state of every key at any instant, as known at any position, folded from the log alone.

One key: `Queries.key_as_of`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from sqlalchemy.ext.asyncio import AsyncEngine

from audit.history.streams import histories, keys_then
from registry.keys.as_of import Moment
from registry.keys.events import key_stream
from registry.keys.state import KeyState, fold

PAGE = 500


async def states(
    engine: AsyncEngine, then: Moment, *, after: str | None = None, page: int = PAGE
) -> AsyncGenerator[KeyState, None]:
    """Every key that existed then, in the database's order of public_id, those after a public_id; a page in memory.

    Raises Busy, UndecodableEvent.
    """
    last = "" if after is None else key_stream(after)
    while True:
        streams = await keys_then(engine, then, last, page)
        async with aclosing(histories(engine, streams, then.known_at)) as lives:
            async for _, events in lives:
                if (key := fold(events, at=then.at)) is not None:
                    yield key
        if len(streams) < page:
            return
        last = streams[-1]
