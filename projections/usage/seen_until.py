"""The latest instant of any inference in the journal."""

from __future__ import annotations

from typing import Any

from projections.engine.client import ClickHouse, Settings
from projections.engine.templates import Names, sql
from projections.usage.journal.state import Pinned


async def seen_until_ms(
    clickhouse: ClickHouse, names: Names, pinned: Pinned, now_ms: int, settings: Settings | None = None
) -> int | None:
    """In milliseconds, but for what is dated after `now_ms`; None without any. Raises ClickHouseError.

    The engine knows the latest instant of each part without reading it. All entries are read only where some are dated
    after now, or do not count yet.
    """
    parameters: dict[str, Any] = {"now_ms": now_ms, "batch": pinned.batch}
    latest_ms = await _latest_ms(clickhouse, names, settings)
    if latest_ms is None:
        return None
    if latest_ms > now_ms or await clickhouse.query(sql("queries/usage/not_counted", names), parameters, settings):
        ((latest_ms,),) = await clickhouse.query(sql("queries/usage/usage_seen", names), parameters, settings)
    return None if latest_ms is None or latest_ms < 0 else int(latest_ms)


async def is_dated_after(clickhouse: ClickHouse, names: Names, now_ms: int) -> bool:
    """Whether any usage is, of anybody, if it counts yet or not. Cheap. Raises ClickHouseError."""
    latest_ms = await _latest_ms(clickhouse, names, None)
    return latest_ms is not None and latest_ms > now_ms


async def _latest_ms(clickhouse: ClickHouse, names: Names, settings: Settings | None) -> int | None:
    ((latest_ms, entries),) = await clickhouse.query(sql("queries/usage/latest_entry", names), {}, settings)
    return int(latest_ms) if entries else None
