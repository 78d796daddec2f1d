"""Usage that is dated after now, by ids from a wrong clock: no bill of today's periods has it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from projections.engine.client import ClickHouse, Settings
from projections.engine.templates import Names, sql
from projections.usage.journal.state import Pinned
from registry.instant import from_ms, to_ms


@dataclass(frozen=True, slots=True)
class AfterNow:
    """How many rows are of inferences dated after now, in all periods; and the latest instant."""

    rows: int
    latest: datetime | None


async def rows_after_now(
    clickhouse: ClickHouse, names: Names, pinned: Pinned, now: datetime, settings: Settings
) -> AfterNow:
    """The inference and model rows of ids dated after `now`, of what the journal has. Raises ClickHouseError."""
    ((rows, latest_ms),) = await clickhouse.query(
        sql("queries/usage/after_now", names), {"now_ms": to_ms(now), **pinned.parameters}, settings, stoppable=True
    )
    return AfterNow(int(rows), from_ms(latest_ms) if rows else None)
