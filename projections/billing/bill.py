"""The bill: one statement over one scan, pinned to a position, summed exactly.

The engine groups; what is left here are some rows per bucket and line, labels, and sums in integers and Decimals.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import localcontext
from typing import Any, Final

from projections.billing.figures import BUCKETS, Bucket, BucketName, Figures, Line
from projections.billing.known_usage import KnownUsage, known_usage
from projections.billing.labels import label
from projections.billing.limits import BillLimits
from projections.billing.query import BillQuery, faults
from projections.billing.statement import sql as bill_sql
from projections.billing.statement.asked import ask, known_position
from projections.billing.statement.attribution import MOVING, moving_of, moving_share
from projections.billing.statement.groups import Group, read_group, sums_of
from projections.billing.statement.price_book import read_price_book
from projections.billing.statement.scope import Scope
from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from projections.errors import TooManyLines
from projections.ledger.presence import Presence
from projections.usage.after_now import AfterNow, rows_after_now
from projections.usage.journal.state import Pinned
from registry.instant import from_ms, to_ms

# Where less than a quarter of the credentials change within the period: measured, docs/billing.md says more.
_STEADY: Final = 4
# Of fewer entries each statement costs more than it saves.
_MANY: Final = 1_000_000


@dataclass(frozen=True)
class Usage:
    """Which usage rows there were: the same rows and the same position give the same bill.

    `uncollected` counts rows of the gateway's that the journal has not taken yet. `anchored_at` is the position of the
    anchor that covers all usage in the bill; None while some is newer.
    """

    rows: int
    seen_until: datetime | None
    fingerprint: str
    conflicting_duplicates: int
    uncollected: int = field(compare=False)
    anchored_at: int | None = field(compare=False)
    # What passes with time alone makes no other usage.
    after_now: AfterNow = field(compare=False)


@dataclass(frozen=True)
class Bill:
    """The bill of a period. `lines` are those of the bucket `keyed`, and sum to `total`; `coverage` has all buckets.

    `tzdata_version` is the release of the IANA database by which the engine cut hours, days and months; None where it
    does not say.
    """

    position: int
    known_at: int | None
    usage_known_at: int | None
    since: datetime
    until: datetime
    time_zone: str
    tzdata_version: str | None
    group_by: tuple[str, ...]
    tag: tuple[str, ...]
    lines: list[Line]
    total: Figures
    late_lines: list[Line]
    coverage: list[Bucket]
    usage: Usage


async def compute_bill(
    clickhouse: ClickHouse,
    names: Names,
    query: BillQuery,
    applied_position: int,
    limits: BillLimits | None = None,
    scope: Scope | None = None,
) -> Bill:
    """The bill. Reads only; the same rows and position give the same bill.

    `scope`: where what holds when is read, where not in the ledger. `applied_position` is at most what is applied;
    `known_at` beyond it counts as it. Raises BadBillQuery, TooManyLines, BillLimitReached, UsageNotProved, and
    RowsMissing while rows are known to be missing. Cancelling it stops its statement.
    """
    if found := faults(query):
        raise found[0]
    limits, scope = limits or BillLimits(), scope or Scope(names)
    await Presence(clickhouse, names).check()
    known = await known_usage(clickhouse, names, query, applied_position)
    groups = await _groups(clickhouse, scope, query, known.pinned, applied_position, limits, known.now)
    seen_until_ms = await _seen_until_ms(clickhouse, scope, query, known, groups, limits)
    after_now = await limits.within(rows_after_now(clickhouse, names, known.pinned, known.now, limits.of_engine))
    tzdata = await clickhouse.query(scope.sql("bill/tzdata"))
    if len({tuple(group.by) for group in groups if group.listed}) > limits.lines:
        raise TooManyLines(limits.lines)
    with localcontext(prec=100):
        return Bill(
            position=applied_position if query.pinned_at is None else query.pinned_at,
            known_at=query.known_at,
            usage_known_at=query.usage_known_at,
            since=query.since.astimezone(UTC),
            until=query.until.astimezone(UTC),
            time_zone=query.time_zone,
            tzdata_version=str(tzdata[0][0]) if tzdata else None,
            group_by=query.group_by,
            tag=tuple(f"{name}:{value}" for name, value in query.tags),
            lines=_lines(groups, query.group_by, "keyed"),
            total=_total(groups),
            late_lines=_lines(groups, query.group_by, "outside_key_life"),
            coverage=_coverage(groups),
            usage=_usage(groups, seen_until_ms, after_now, known),
        )


async def _groups(
    clickhouse: ClickHouse,
    scope: Scope,
    query: BillQuery,
    pinned: Pinned,
    applied_position: int,
    limits: BillLimits,
    now: datetime,
) -> list[Group]:
    position, period = known_position(query, applied_position), (to_ms(query.since), to_ms(query.until))
    prices = await read_price_book(clickhouse, scope, position, *period)
    asked = ask(query, position, period, pinned, prices)
    limit = (limits.lines + len(BUCKETS) * 2 + 1) * (prices.currencies + 1)
    parameters = {**asked.parameters, **scope.values, "now_ms": to_ms(now), "limit": limit}
    steady, moving = await _steady(clickhouse, scope, len(asked.tags), parameters)
    sql = bill_sql.bill(scope, len(asked.tags), asked.group_by, asked.filtered, asked.book, steady=steady)
    parameters |= moving
    rows = await limits.within(clickhouse.query(sql, parameters, limits.of_engine, stoppable=True))
    return [read_group(row, len(query.group_by)) for row in rows]


async def _steady(
    clickhouse: ClickHouse, scope: Scope, tags: int, parameters: Mapping[str, Any]
) -> tuple[bill_sql.Steady | None, dict[str, Any]]:
    """Whether it pays to look up credentials before entries, and what to bind then.

    It does where there are many entries, and little changes meanwhile.
    """
    ((entries,),) = await clickhouse.query(scope.sql("bill/entries_there"))
    if entries < _MANY:
        return None, {}
    names = bill_sql.names_of(tags)
    ((credentials, count, moving, keys),) = await clickhouse.query(moving_share(scope, names), parameters)
    if count * _STEADY >= credentials:
        return None, {}
    if count > len(moving):
        return bill_sql.Steady(moving_of(scope, names)), {}
    return bill_sql.Steady(MOVING if moving else None), {"moving": moving, "moving_keys": keys} if moving else {}


def _total(groups: Iterable[Group]) -> Figures:
    """An inference of several models is in a line of each, and once in the total."""
    listed = [group for group in groups if group.listed and group.bucket == "keyed"]
    return Figures(*sums_of(listed, sum(group.distinct_inferences for group in listed)))


def _coverage(groups: Iterable[Group]) -> list[Bucket]:
    by_bucket: dict[BucketName, list[Group]] = {bucket: [] for bucket in BUCKETS}
    for group in groups:
        by_bucket[group.bucket].append(group)
    return [
        Bucket(bucket, *sums_of(found, sum(group.distinct_inferences for group in found)))
        for bucket, found in by_bucket.items()
    ]


def _lines(groups: Iterable[Group], group_by: Sequence[str], bucket: BucketName) -> list[Line]:
    """The lines of a bucket, in the order of their values; null comes after all values, as in the engine."""
    by_labels: dict[tuple[str | None, ...], list[Group]] = {}
    for group in groups:
        if group.listed and group.bucket == bucket:
            by_labels.setdefault(tuple(map(label, group_by, group.by)), []).append(group)
    return [
        Line(dict(zip(group_by, labels, strict=True)), *sums_of(found, sum(group.inferences for group in found)))
        for labels, found in sorted(by_labels.items(), key=_order)
    ]


def _order(line: tuple[tuple[str | None, ...], Any]) -> list[tuple[bool, str]]:
    return [(value is None, value or "") for value in line[0]]


async def _seen_until_ms(
    clickhouse: ClickHouse,
    scope: Scope,
    query: BillQuery,
    known: KnownUsage,
    groups: Sequence[Group],
    limits: BillLimits,
) -> int:
    """The latest instant of the usage; -1 without any. Of entries that were taken back it is looked for."""
    latest = max((group.seen_until_ms for group in groups), default=-1)
    if not known.pinned.vanished or latest < 0:
        return latest
    bounds = {"since_ms": to_ms(query.since), "until_ms": to_ms(query.until), "now_ms": to_ms(known.now)}
    statement = scope.sql("bill/seen_until", entries=scope.sql("bill/entries"))
    rows = clickhouse.query(statement, {**bounds, **known.pinned.parameters}, limits.of_engine, stoppable=True)
    ((found,),) = await limits.within(rows)
    return int(found)


def _usage(groups: Sequence[Group], seen_until_ms: int, after_now: AfterNow, known: KnownUsage) -> Usage:
    return Usage(
        rows=sum(group.model_rows + group.inference_rows for group in groups),
        seen_until=from_ms(seen_until_ms) if seen_until_ms >= 0 else None,
        fingerprint=f"{sum(group.fingerprint for group in groups) % 2**128:032x}",
        conflicting_duplicates=sum(group.conflicts for group in groups),
        uncollected=known.uncollected,
        anchored_at=known.anchored_at,
        after_now=after_now,
    )
