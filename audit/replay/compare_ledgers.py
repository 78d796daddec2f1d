"""Compares the live ledger with a replayed one: the same rows at every position, compared where the rows are."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Final

from audit.report import Finding
from audit.verify.ledger import TABLES, difference
from projections.engine.client import ClickHouse
from projections.engine.templates import Names, sql
from registry.progress import Progress

# The digests of this many positions' rows are in ClickHouse's memory at once.
WINDOW: Final = 50_000


async def compare_ledgers(
    clickhouse: ClickHouse, live: Names, replayed: Names, until: int, fix: str
) -> AsyncGenerator[Progress | Finding, None]:
    """Report each position up to `until` at which a table of the live ledger does not have the replayed rows.

    Duplicate rows count once, and `applied_at` is ignored. Both ledgers must have applied `until`: what the live one
    gets meanwhile is after it. Raises ClickHouseError.
    """
    for first in range(0, until + 1, WINDOW):
        last = min(first + WINDOW - 1, until)
        for table in TABLES:
            rows = {
                "live_rows": sql(f"queries/verify/ledger_rows_{table}", live),
                "replayed_rows": sql(f"queries/verify/ledger_rows_{table}", replayed),
            }
            statement = sql("queries/replay/differences", live, **rows)
            for position, lacking, extra in await clickhouse.query(statement, {"first": first, "last": last}):
                yield difference(table, position, lacking, extra, fix)
        yield Progress("comparing", last, until)
