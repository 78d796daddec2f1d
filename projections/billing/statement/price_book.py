"""What a bill must know of the prices before its statement can be written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from projections.billing.statement.scope import Scope
from projections.engine.client import ClickHouse

# Amounts come as whole numbers of 10^-27 of the currency.
AMOUNT_DECIMALS: Final = 27


@dataclass(frozen=True)
class PriceBook:
    """The prices of a period as known at a position, in short.

    `tag_names` are those that prices ask for, `times_ms` when one begins or ends to hold, in order, after a first one
    before all usage.
    """

    prices: int
    tag_names: tuple[str, ...]
    times_ms: tuple[int, ...]
    currencies: int
    by_inference: bool


async def read_price_book(
    clickhouse: ClickHouse, scope: Scope, position: int, since_ms: int, until_ms: int
) -> PriceBook:
    """The price book for a period. Raises ClickHouseError."""
    statement = scope.sql("bill/price_book", versions=scope.sql("bill/price_versions"))
    bounds = {"position": position, "since_ms": since_ms, "until_ms": until_ms, **scope.values}
    ((tag_names, times_ms, currencies, by_inference, prices),) = await clickhouse.query(statement, bounds)
    times = (0, *(time for time in times_ms if since_ms < time < until_ms))
    if since_ms > 0:
        times = (0, since_ms, *times[1:])
    return PriceBook(int(prices), tuple(tag_names), times, int(currencies), bool(by_inference))
