"""What a bill is made of: the rows of its statement, and what is known of the usage."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from projections.billing.figures import BUCKETS
from projections.billing.known.usage import KnownUsage
from projections.billing.limits import BillLimits
from projections.billing.query import BillQuery
from projections.billing.statement import sql as bill_sql
from projections.billing.statement.asked import Asked, ask, known_position
from projections.billing.statement.attribution import FEW_CREDENTIALS, entries
from projections.billing.statement.groups import Group, read_group
from projections.billing.statement.price_book import PriceBook, read_price_book
from projections.billing.statement.scope import Scope
from projections.billing.ways import few_of, way_of_all, way_of_few, way_of_key
from projections.engine.client import ClickHouse
from projections.usage.after_now import AfterNow, rows_after_now
from registry.instant import to_ms

# Prices that are bound: a server takes a mebibyte of parameters, each byte as up to three.
_FEW_PRICES: Final = 500
_BOOK_LENGTH: Final = 50_000


@dataclass(frozen=True)
class Made:
    """What a bill is made of, by what was applied. `seen_until_ms`: the latest instant of its usage; -1 without any."""

    applied: int
    groups: Sequence[Group]
    known: KnownUsage
    seen_until_ms: int
    after_now: AfterNow
    tzdata_version: str | None


async def make(
    clickhouse: ClickHouse,
    scope: Scope,
    query: BillQuery,
    applied_position: int,
    limits: BillLimits,
    known: KnownUsage,
) -> Made:
    """What the bill is made of, read from the engine. Raises as `compute_bill`."""
    groups = await groups_of(clickhouse, scope, query, applied_position, limits, known)
    return await made_of(clickhouse, scope, query, applied_position, groups, limits, known)


async def made_of(
    clickhouse: ClickHouse,
    scope: Scope,
    query: BillQuery,
    applied_position: int,
    groups: Sequence[Group],
    limits: BillLimits,
    known: KnownUsage,
) -> Made:
    """The same, of groups that are there."""
    seen_until_ms = await _seen_until_ms(clickhouse, scope, query, applied_position, groups, limits, known)
    after_now = AfterNow(0, None)
    if not query.is_part:  # of all customers
        rows = rows_after_now(clickhouse, scope.names, known.pinned, known.now, limits.of_engine)
        after_now = await limits.within(rows)
    tzdata = await clickhouse.query(scope.sql("bill/tzdata"))
    return Made(applied_position, groups, known, seen_until_ms, after_now, str(tzdata[0][0]) if tzdata else None)


async def groups_of(
    clickhouse: ClickHouse,
    scope: Scope,
    query: BillQuery,
    applied_position: int,
    limits: BillLimits,
    known: KnownUsage,
    after_batch: int = 0,
) -> list[Group]:
    """The groups of a bill, or what they get by the batches after one. Raises as `compute_bill`."""
    position, period = known_position(query, applied_position), (to_ms(query.since), to_ms(query.until))
    prices, few = await asyncio.gather(
        read_price_book(clickhouse, scope, position, *period), few_of(clickhouse, scope, query, position)
    )
    asked = await _with_book(clickhouse, scope, ask(query, position, period, known.pinned, prices), prices)
    limit = (limits.lines + len(BUCKETS) * 2 + 1) * (prices.currencies + 1)
    parameters = {**asked.parameters, **scope.values, "now_ms": to_ms(known.now), "limit": limit}
    if after_batch:
        scope, parameters["after_batch"] = replace(scope, after_batch="{after_batch:UInt64}"), after_batch
    way: bill_sql.Way
    if few:
        way, bound = await way_of_key(clickhouse, scope, few, len(asked.tags), parameters)
    elif after_batch:
        way, bound = await way_of_few(clickhouse, scope, parameters)
    else:
        way, bound = (None, {}) if query.within else await way_of_all(clickhouse, scope, len(asked.tags), parameters)
    parameters |= bound
    detail = bill_sql.Detail("a.listed") if query.within else None
    sql = bill_sql.bill(scope, len(asked.tags), asked.group_by, asked.filtered, asked.book, detail, way)
    rows = await limits.within(clickhouse.query(sql, parameters, limits.of_engine, stoppable=True))
    return [read_group(row, len(query.group_by)) for row in rows]


async def _with_book(clickhouse: ClickHouse, scope: Scope, asked: Asked, prices: PriceBook) -> Asked:
    """What is asked, with the prices bound where they are few: planning a statement takes as long as it is."""
    if not 0 < prices.prices <= _FEW_PRICES:
        return asked
    statement = bill_sql.prices_as_text(scope)
    ((book,),) = await clickhouse.query(statement, {**asked.parameters, **scope.values})
    if len(book.encode()) > _BOOK_LENGTH:
        return asked
    return replace(asked, book=replace(asked.book, bound=True), parameters={**asked.parameters, "book": book})


async def _seen_until_ms(
    clickhouse: ClickHouse,
    scope: Scope,
    query: BillQuery,
    applied_position: int,
    groups: Sequence[Group],
    limits: BillLimits,
    known: KnownUsage,
) -> int:
    """The latest instant of the usage; -1 without any. Of entries that were taken back it is looked for."""
    latest = max((group.seen_until_ms for group in groups), default=-1)
    if not known.pinned.vanished or latest < 0:
        return latest
    bound: dict[str, Any] = {"since_ms": to_ms(query.since), "until_ms": to_ms(query.until), "now_ms": to_ms(known.now)}
    only = None
    if query.key is not None:
        few = await few_of(clickhouse, scope, query, known_position(query, applied_position))
        only, bound = FEW_CREDENTIALS, {**bound, **few}
    statement = scope.sql("bill/seen_until", entries=entries(scope, only))
    rows = clickhouse.query(statement, {**bound, **known.pinned.parameters}, limits.of_engine, stoppable=True)
    ((found,),) = await limits.within(rows)
    return int(found)
