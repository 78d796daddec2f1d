"""Finds that the gateway served more than its rows say: it writes each row once, and goes on when that fails.

What can be compared: an inference is counted when it begins, and its id, which has that instant, is in its row when
that has come. So the growth of the counters between two looks is compared with the rows of that time, as soon as those
on their way have had time to come. An inference that failed altogether is counted, too, and never has a row: a share of
difference is tolerated.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from gateways.errors import GatewayMetricsUnavailable
from gateways.tensorzero.counters import GatewayMetrics, Totals, grown
from projections.usage.gateway_count import GatewayCount, GatewayCounts
from registry.follower import words

logger = logging.getLogger(__name__)

EVERY_S: Final = 300.0
# A stream's rows are written at its end.
SETTLED: Final = timedelta(minutes=10)
WINDOW: Final = timedelta(hours=1)
# So many differ by where a look falls, however few there are.
FEW: Final = 10


@dataclass(frozen=True, slots=True)
class Look:
    """The counters at an instant."""

    at: datetime
    totals: Totals


class CountWatch:
    """The watch of one gateway. It remembers its own looks alone: a new one compares after a quarter of an hour."""

    def __init__(self, metrics: GatewayMetrics, counts: GatewayCounts, tolerated_percent: float) -> None:
        self._metrics = metrics
        self._counts = counts
        self._tolerated = tolerated_percent / 100
        self._looks: deque[Look] = deque()
        self._said = ""

    async def run(self) -> None:
        """Look until cancelled. Whatever fails is tried again at the next look."""
        while True:
            try:
                await self.look(datetime.now(UTC))
            except Exception as error:  # noqa: BLE001 - a watch that ends says that nothing is lost
                logger.warning("the gateway's count can't be compared with its rows: %s", words(error))
            await asyncio.sleep(EVERY_S)

    async def look(self, at: datetime) -> None:
        """Read the counters, and compare what was counted long enough before. Raises ClickHouseError."""
        try:
            self._looks.append(Look(at, await self._metrics.inferences()))
        except GatewayMetricsUnavailable as error:
            found: GatewayCount | None = GatewayCount(at, at, at, failure=str(error))
        else:
            found = await self._compared(at)
        if found is not None:
            self._tell(found)
            await self._counts.record(found)

    async def _compared(self, at: datetime) -> GatewayCount | None:
        while at - self._looks[0].at > WINDOW + SETTLED:
            self._looks.popleft()
        settled = [one for one in self._looks if at - one.at >= SETTLED]
        if len(settled) < 2:
            return None
        since, until = settled[0].at, settled[-1].at
        counted = sum(grown(one.totals, next_.totals) for one, next_ in pairwise(settled))
        recorded = await self._counts.recorded(since, until)
        missing = counted - recorded
        lost = missing if missing > max(FEW, counted * self._tolerated) else 0
        return GatewayCount(at, since, until, counted, recorded, lost)

    def _tell(self, found: GatewayCount) -> None:
        """Log what is new, once."""
        what = found.failure or ("rows of inferences are missing: see `keyledger status`" if found.lost else "")
        if what and what != self._said:
            logger.warning("what the gateway has served: %s", what)
        self._said = what
