"""The live ledger against a replayed one: the same rows at every position, compared where the rows are."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Final

from audit.report import Finding
from audit.verify.ledger import TABLES, difference
from projections.engine.client import ClickHouse
from projections.engine.templates import Names, sql
from registry.progress import Progress

# Digests of so many positions' rows are in ClickHouse's memory at once.
WINDOW: Final = 50_000


async def compare_ledgers(
    clickhouse: ClickHouse, live: Names, replayed: Names, until: int, fix: str
) -> AsyncGenerator[Progress | Finding, None]:
    """Tell each position up to `until` at which a table of the live ledger has not the rows of the replayed one.

    Rows that came twice count once, and `applied_at` not at all. Both ledgers have applied `until`: what the live one
    is given meanwhile is beyond it. Raises ClickHouseError.
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
