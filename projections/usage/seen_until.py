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
    ((latest_ms, entries),) = await clickhouse.query(sql("queries/usage/latest_entry", names), {}, settings)
    if not entries:
        return None
    if latest_ms > now_ms or await clickhouse.query(sql("queries/usage/not_counted", names), parameters, settings):
        ((latest_ms,),) = await clickhouse.query(sql("queries/usage/usage_seen", names), parameters, settings)
    return None if latest_ms is None or latest_ms < 0 else int(latest_ms)
