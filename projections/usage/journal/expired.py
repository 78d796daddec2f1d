"""Rows that the gateway's own tables let expire: their journal entries stay, and nothing is wrong."""

from __future__ import annotations

from typing import Final

from projections.engine.templates import Names, sql
from projections.usage.journal.gateway_rows import rows_of
from projections.usage.journal.state import Journal
from projections.usage.tables import TABLES

_NONE_LEFT: Final = 2**63 - 1


async def oldest_rows(journal: Journal) -> dict[str, int]:
    """The instant (ms) of the oldest row of each table whose rows expire. Raises ClickHouseError."""
    names = journal.names
    parameters = {"gateway": names.gateway, "tables": list(TABLES)}
    found = await journal.clickhouse.query(sql("queries/journal/expiring", names), parameters)
    return {table: await _oldest(journal, table) for (table,) in found}


def not_expired(names: Names, oldest: dict[str, int]) -> str:
    """The condition on differing rows: not older than all that their table still has.

    An id without an instant counts as older: the gateway dates such a row 1970.
    """
    own_ms = sql("queries/journal/own_ms", names, own_id="id").strip()
    listed = [f"NOT (source = '{table}' AND {own_ms} < {ms})" for table, ms in oldest.items()]
    return " AND ".join(listed) or "true"


async def _oldest(journal: Journal, table: str) -> int:
    names = journal.names
    own_ms = sql("queries/journal/own_ms", names, own_id="row_id").strip()
    rows = rows_of(names, table, "true")
    ((ms,),) = await journal.clickhouse.query(sql("queries/journal/oldest", names, own_ms=own_ms, rows=rows))
    return _NONE_LEFT if ms is None else int(ms)
