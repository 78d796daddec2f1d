"""The ledger's tables of rows that a projector writes, and all that is in them."""

from __future__ import annotations

from typing import Any

from projections.engine.client import ClickHouse
from projections.engine.ddl import Names

TABLES = (
    "key_tag_change_v1",
    "key_life_v1",
    "key_credential_v1",
    "usage_anchor_v1",
    "usage_anchor_day_v1",
    "price_change_v1",
    "event_applied_v1",
)


async def contents(clickhouse: ClickHouse, names: Names) -> list[list[tuple[Any, ...]]]:
    """All rows of each table, each row once, but for when it was written."""
    tables = []
    for table in TABLES:
        columns = "* EXCEPT applied_at" if table == "event_applied_v1" else "*"
        rows = await clickhouse.query(f"SELECT DISTINCT {columns} FROM {names.database}.{table}")
        tables.append(sorted(rows, key=repr))
    return tables
