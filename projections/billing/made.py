"""What a bill is made of: the rows of its statement, and what is known of the usage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from projections.billing.figures import BUCKETS
from projections.billing.known.usage import KnownUsage
from projections.billing.limits import BillLimits
from projections.billing.query import BillQuery
from projections.billing.statement import sql as bill_sql
from projections.billing.statement.asked import known_position
from projections.billing.statement.attribution import FEW_CREDENTIALS, entries
from projections.billing.statement.groups import Group, read_group
from projections.billing.statement.prepared import Prepared
from projections.billing.statement.scope import Scope
from projections.billing.statement.ways import few_of, way_of_all, way_of_few
from projections.engine.client import ClickHouse
from projections.usage.after_now import AfterNow, rows_after_now
from registry.instant import to_ms


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
    ready: Prepared,
) -> Made:
    """What the bill is made of, read from the engine. Raises as `compute_bill`."""
    groups = await groups_of(clickhouse, scope, query, limits, known, ready)
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
    limits: BillLimits,
    known: KnownUsage,
    ready: Prepared,
    after_batch: int = 0,
) -> list[Group]:
    """The groups of a bill, or what they get by the batches after one. Raises as `compute_bill`."""
    asked = ready.asked
    way: bill_sql.Way = ready.way
    limit = (limits.lines + len(BUCKETS) * 2 + 1) * (ready.prices.currencies + 1)
    parameters = {**asked.parameters, **known.pinned.parameters, **scope.values}
    parameters |= {"now_ms": to_ms(known.now), "limit": limit}
    if after_batch:
        scope, parameters["after_batch"] = replace(scope, after_batch="{after_batch:UInt64}"), after_batch
    if way is None and not query.within:
        few = way_of_few(clickhouse, scope, parameters) if after_batch else None
        way, bound = await (few or way_of_all(clickhouse, scope, len(asked.tags), parameters))
        parameters |= bound
    detail = bill_sql.Detail("a.listed") if query.within else None
    sql = bill_sql.bill(scope, len(asked.tags), asked.group_by, asked.filtered, asked.book, detail, way)
    rows = await limits.within(clickhouse.query(sql, parameters, limits.of_engine, stoppable=True))
    return [read_group(row, len(query.group_by)) for row in rows]


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
