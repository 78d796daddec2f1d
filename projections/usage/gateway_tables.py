"""Whether the gateway's tables are there and have rows: what to say when there is nothing to bill."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from projections.engine.client import ClickHouse
from projections.engine.templates import Names, sql
from projections.errors import ClickHouseRefused, ClickHouseUnavailable, GatewayTablesMissing
from projections.usage.after_now import AfterNow, rows_after_now
from projections.usage.journal.state import Journal
from projections.usage.seen_until import seen_until_ms
from projections.usage.tables import TABLES
from registry.instant import from_ms, to_ms

# The engine says so of a table, and of a whole database, that is not there.
_UNKNOWN = frozenset({60, 81})
# The status is asked for by people, who must not wait long for the latest instant.
_MAX_S = 5


@dataclass(frozen=True, slots=True)
class UsageSeen:
    """What the gateway has written: how many rows each of its tables has, None where the engine does not say.

    `seen_until` is the latest instant of an inference not dated after now; None without any. It and `after_now` are
    None, too, where they took too long to find.
    """

    database: str
    rows: Mapping[str, int | None]
    seen_until: datetime | None
    after_now: AfterNow | None = None

    @property
    def missing(self) -> list[str]:
        """The gateway's tables that are not there, with their database."""
        return [f"{self.database}.{table}" for table in TABLES if table not in self.rows]

    @property
    def hint(self) -> str | None:
        """What to look at when there is nothing to bill; None when there is something."""
        if self.missing:
            return str(GatewayTablesMissing(self.missing))
        if any(self.rows[table] != 0 for table in TABLES):
            return None
        return (
            f"The gateway's tables in {self.database} are empty: nobody has used it yet, or it writes to Postgres "
            "alone, which can't be billed. It writes here when it is started with TENSORZERO_CLICKHOUSE_URL"
        )


async def read_usage(clickhouse: ClickHouse, names: Names) -> UsageSeen:
    """What is there of the gateway's tables, in a few seconds at most whatever their size. Raises ClickHouseError."""
    rows = await _rows(clickhouse, names)
    seen_until: datetime | None = None
    after_now: AfterNow | None = None
    if len(rows) == len(TABLES):
        with suppress(ClickHouseUnavailable):
            now, limit = datetime.now(UTC), {"max_execution_time": _MAX_S}
            pinned = await Journal(clickhouse, names).pinned()
            latest_ms = await seen_until_ms(clickhouse, names, pinned, to_ms(now), limit)
            seen_until = None if latest_ms is None else from_ms(latest_ms)
            after_now = await rows_after_now(clickhouse, names, pinned, now, limit)
    return UsageSeen(names.gateway, rows, seen_until, after_now)


async def reason_of(clickhouse: ClickHouse, names: Names, error: Exception) -> GatewayTablesMissing | None:
    """The missing tables of the gateway, where they are why a statement was refused. Raises ClickHouseError."""
    if not isinstance(error, ClickHouseRefused) or error.code not in _UNKNOWN:
        return None
    missing = UsageSeen(names.gateway, await _rows(clickhouse, names), None).missing
    return GatewayTablesMissing(missing) if missing else None


async def _rows(clickhouse: ClickHouse, names: Names) -> dict[str, int | None]:
    parameters = {"database": names.gateway, "tables": list(TABLES)}
    found = await clickhouse.query(sql("queries/usage/gateway_tables", names), parameters)
    return dict(sorted(found, key=lambda row: TABLES.index(row[0])))
