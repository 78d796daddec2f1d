"""What the statement of a bill needs before it can be written, of all but the usage."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from projections.billing.query import BillQuery
from projections.billing.statement import sql as bill_sql
from projections.billing.statement.asked import Asked, ask
from projections.billing.statement.price_book import PriceBook, read_price_book
from projections.billing.statement.scope import Scope
from projections.billing.statement.ways import few_of, way_of_key
from projections.engine.client import ClickHouse
from projections.together import together
from registry.instant import to_ms

# Prices that are bound: a server takes a mebibyte of parameters, each byte as up to three.
_FEW_PRICES: Final = 500
_BOOK_LENGTH: Final = 50_000


@dataclass(frozen=True)
class Prepared:
    """A question as its statement has it, as known at a position. `way`: where the bill is of one key."""

    asked: Asked
    prices: PriceBook
    way: bill_sql.Only | None


async def prepare(clickhouse: ClickHouse, scope: Scope, query: BillQuery, position: int) -> Prepared:
    """Read what there is to know. Raises ClickHouseError."""
    period = to_ms(query.since), to_ms(query.until)
    prices, few = await together(
        read_price_book(clickhouse, scope, position, *period), few_of(clickhouse, scope, query, position)
    )
    asked = ask(query, position, period, prices)
    parameters = {**asked.parameters, **scope.values}
    book, (way, bound) = await together(
        _book(clickhouse, scope, parameters, prices),
        way_of_key(clickhouse, scope, few, len(asked.tags), parameters),
    )
    if book is not None:
        asked, bound = replace(asked, book=replace(asked.book, bound=True)), {**bound, "book": book}
    return Prepared(replace(asked, parameters={**asked.parameters, **bound}), prices, way)


async def _book(clickhouse: ClickHouse, scope: Scope, parameters: dict[str, Any], prices: PriceBook) -> str | None:
    """The prices, to be bound where they are few: planning a statement takes as long as it is."""
    if not 0 < prices.prices <= _FEW_PRICES:
        return None
    ((book,),) = await clickhouse.query(bill_sql.prices_as_text(scope), parameters)
    return str(book) if len(book.encode()) <= _BOOK_LENGTH else None
