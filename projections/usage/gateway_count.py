"""What the gateway says that it served, compared with the rows that came: kept for `status`, which no history has."""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields
from datetime import datetime
from typing import Final

from projections.engine.client import ClickHouse
from projections.engine.templates import Names, sql
from registry.instant import to_ms

# It reads the time of every inference there is.
_MAX_S: Final = 60


@dataclass(frozen=True, slots=True)
class GatewayCount:
    """One comparison: of the inferences `counted` in a time, those `recorded` have a row.

    `lost` is the difference where it is more than is tolerated, else 0. `failure` says why nothing could be compared.
    """

    compared_at: datetime
    since: datetime
    until: datetime
    counted: int = 0
    recorded: int = 0
    lost: int = 0
    failure: str = ""


@dataclass(frozen=True, slots=True)
class CountsSeen:
    """The latest comparison, and that of the last day which lost most; None where none lost more than is tolerated."""

    latest: GatewayCount
    worst: GatewayCount | None


class GatewayCounts:
    """The comparisons in ClickHouse. Methods raise ClickHouseError."""

    def __init__(self, clickhouse: ClickHouse, names: Names) -> None:
        self._clickhouse = clickhouse
        self._names = names

    async def recorded(self, since: datetime, until: datetime) -> int:
        """How many inferences of a time have a row, by the instant in their id; those of batches don't count."""
        statement = sql("queries/usage/inferences_between", self._names)
        times = {"since_ms": to_ms(since), "until_ms": to_ms(until)}
        ((count,),) = await self._clickhouse.query(statement, times, {"max_execution_time": _MAX_S})
        return int(count)

    async def record(self, found: GatewayCount) -> None:
        """Keep a comparison, for thirty days."""
        columns = [one.name for one in fields(GatewayCount)]
        await self._clickhouse.insert(f"{self._names.database}.gateway_count_v1", [astuple(found)], columns)

    async def seen(self) -> CountsSeen | None:
        """What the comparisons of the last day found; None where there was none."""
        found = await self._clickhouse.query(sql("queries/usage/gateway_count", self._names))
        if not found:
            return None
        latest, worst = (GatewayCount(*one) for one in found[0])
        return CountsSeen(latest, worst if worst.lost else None)
