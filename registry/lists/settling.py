"""Brings the columns by which lists find keys up to date when scheduled changes of tags have taken effect.

A key's document needs nothing: its reader adds what is due. A list looks for stale columns in its own statement, and
has them settled before it answers, so it is exact to the millisecond.
"""

from __future__ import annotations

import json
from typing import Any, Final

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from registry.db.connection import begun, translated
from registry.db.tables import key_state
from registry.log import stream_state
from registry.log.append.state_rows import found_by

_PAGE: Final = 500


async def settle(engine: AsyncEngine) -> int:
    """Write the tags of keys whose scheduled change is due, as lists find them; returns how many, a page at most.

    It may run anywhere at any time: a key that was changed meanwhile is left as that change made it. Raises Busy.
    """
    due = (
        select(key_state.c.stream, key_state.c.document, func.statement_timestamp().label("now"))
        .where(key_state.c.tags_due_at <= func.statement_timestamp())
        .order_by(key_state.c.stream)  # two at once wait for each other, and never in a circle
        .limit(_PAGE)
    )
    with translated(engine):
        async with begun(engine) as connection:
            rows = (await connection.execute(due)).all()
            for row in rows:
                await connection.execute(_settled(row))
            return len(rows)


def _settled(row: Any) -> Any:
    state = stream_state.load_key(row.stream, row.document)
    tags, search, due_at = found_by(state, row.now)
    same = (key_state.c.stream == row.stream, key_state.c.document == row.document)
    return update(key_state).where(*same).values(tags=json.loads(tags), search=search, tags_due_at=due_at)
