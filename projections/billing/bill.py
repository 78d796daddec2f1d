"""The bill: one statement over one scan, pinned to a position, summed exactly.

The engine groups; what is left here are some rows per bucket and line, labels, and sums in integers and Decimals.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import localcontext
from typing import Any

from projections.billing.figures import BUCKETS, Bucket, BucketName, Figures, Line
from projections.billing.known.usage import known_usage
from projections.billing.labels import label
from projections.billing.limits import BillLimits
from projections.billing.made import Made, make
from projections.billing.query import BillQuery, faults
from projections.billing.recent_bills import RecentBills
from projections.billing.statement.asked import known_position
from projections.billing.statement.groups import Group, sums_of
from projections.billing.statement.prepared import prepare
from projections.billing.statement.scope import Scope
from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from projections.errors import TooManyLines
from projections.ledger.presence import Presence
from projections.together import together
from projections.usage.after_now import AfterNow
from registry.instant import from_ms


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
    key: str | None
    lines: list[Line]
    total: Figures
    late_lines: list[Line]
    coverage: list[Bucket]
    usage: Usage


@dataclass(frozen=True)
class AgedBill:
    """A bill as it was some time ago."""

    bill: Bill
    age_s: float


async def compute_bill(
    clickhouse: ClickHouse,
    names: Names,
    query: BillQuery,
    applied_position: int,
    limits: BillLimits | None = None,
    scope: Scope | None = None,
    recent: RecentBills | None = None,
) -> Bill:
    """The bill. Reads only; the same rows and position give the same bill.

    `scope`: where what holds when is read, where not in the ledger. `applied_position` is at most what is applied;
    `known_at` beyond it counts as it. `recent`: what bills were made of lately, which changes no digit; it may know
    more applied than the caller did, and the bill's position says so. Raises BadBillQuery, TooManyLines,
    BillLimitReached, UsageNotProved, and RowsMissing while rows are known to be missing. Cancelling it stops its
    statement.
    """
    if found := faults(query):
        raise found[0]
    limits = limits or BillLimits()
    made = None
    if recent is not None and scope is None and query.usage_known_at is None:
        made = await recent.made(query, applied_position, limits)
    if made is None:
        scope = scope or Scope(names)
        _, known, ready = await together(
            Presence(clickhouse, names).check(),
            known_usage(clickhouse, names, query, applied_position),
            prepare(clickhouse, scope, query, known_position(query, applied_position)),
        )
        made = await make(clickhouse, scope, query, applied_position, limits, known, ready)
    # A bill of many lines takes a while, in which its loop is to answer others.
    return await asyncio.to_thread(_bill_of, query, made, limits)


def bill_at_hand(
    recent: RecentBills, query: BillQuery, max_age_s: float, applied: Callable[[], Awaitable[int]], limits: BillLimits
) -> AgedBill | None:
    """The bill as it was at most so many seconds ago, without reading anything; None where none is kept.

    `applied` gives the position by which it is made again for the next who asks. Raises TooManyLines.
    """
    found = recent.at_hand(query, max_age_s, applied)
    return None if found is None else AgedBill(_bill_of(query, found[0], limits), found[1])


def _bill_of(query: BillQuery, made: Made, limits: BillLimits) -> Bill:
    groups = made.groups
    if len({tuple(group.by) for group in groups if group.listed}) > limits.lines:
        raise TooManyLines(limits.lines)
    with localcontext(prec=100):
        return Bill(
            position=made.applied if query.pinned_at is None else query.pinned_at,
            known_at=query.known_at,
            usage_known_at=query.usage_known_at,
            since=query.since.astimezone(UTC),
            until=query.until.astimezone(UTC),
            time_zone=query.time_zone,
            tzdata_version=made.tzdata_version,
            group_by=query.group_by,
            tag=tuple(f"{name}:{value}" for name, value in query.tags),
            key=query.key,
            lines=_lines(groups, query.group_by, "keyed"),
            total=_total(groups),
            late_lines=_lines(groups, query.group_by, "outside_key_life"),
            coverage=_coverage(groups),
            usage=_usage(made),
        )


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


def _usage(made: Made) -> Usage:
    return Usage(
        rows=sum(group.model_rows + group.inference_rows for group in made.groups),
        seen_until=from_ms(made.seen_until_ms) if made.seen_until_ms >= 0 else None,
        fingerprint=f"{sum(group.fingerprint for group in made.groups) % 2**128:032x}",
        conflicting_duplicates=sum(group.conflicts for group in made.groups),
        uncollected=made.known.uncollected,
        anchored_at=made.known.anchored_at,
        after_now=made.after_now,
    )
