"""The bill: one statement over one scan, pinned to a position, summed exactly. Shape: the bill of docs and API.

The engine groups; what is left here are some rows per bucket and line, labels, and sums in integers and Decimals.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal, localcontext
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from projections.billing import sql as bill_sql
from projections.engine.client import ClickHouse, Row
from projections.engine.ddl import Names
from projections.errors import BadBillQuery, TooManyLines
from registry.instant import format_ms, from_ms, to_ms
from registry.keys.tags import name_fault

WORDS = tuple(bill_sql.WORDS)
MAX_GROUP_BY = 8
MAX_LINES = 100_000
BUCKETS = ("bad_id", "batch", "orphan", "unkeyed", "unknown_key", "outside_key_life", "keyed")
_COUNTS = ("input_tokens", "output_tokens", "cached_input_tokens", "cached_output_tokens")


@dataclass(frozen=True)
class BillQuery:
    """What is asked for. `known_at` None means all that is applied; all `tags` (name, value) must hold."""

    group_by: tuple[str, ...]
    since: datetime
    until: datetime
    known_at: int | None = None
    tags: tuple[tuple[str, str], ...] = ()
    time_zone: str = "UTC"


@dataclass
class _Sums:
    """Sums of rows of one line, bucket or total."""

    inferences: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    cached_output_tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    unpriced: int = 0

    def add(self, group: dict[str, Any], inferences: int) -> None:
        self.inferences += inferences
        for name in (*_COUNTS, "unpriced"):
            setattr(self, name, getattr(self, name) + group[name])
        self.cost_usd += group["cost_usd"]

    def json(self) -> dict[str, Any]:
        counts = {name: getattr(self, name) for name in ("inferences", *_COUNTS)}
        return {**counts, "cost_usd": plain(self.cost_usd), "unpriced": self.unpriced}


async def compute_bill(
    clickhouse: ClickHouse,
    names: Names,
    query: BillQuery,
    applied_position: int,
    *,
    max_lines: int = MAX_LINES,
) -> dict[str, Any]:
    """The bill as its JSON object. Reads only; the same rows and position give the same bill.

    `applied_position` is at most what is applied; `known_at` beyond it counts as it. Raises BadBillQuery, TooManyLines.
    """
    if found := faults(query):
        raise found[0]
    tags = tuple(dict.fromkeys([*(n for n in query.group_by if n not in WORDS), *(n for n, _ in query.tags)]))
    group_by = [name if name in WORDS else f"tag_{tags.index(name)}" for name in query.group_by]
    filtered = [tags.index(name) for name, _ in query.tags]
    position = applied_position if query.known_at is None else min(query.known_at, applied_position)
    parameters: dict[str, Any] = {
        "position": position,
        "since_ms": to_ms(query.since),
        "until_ms": to_ms(query.until),
        "limit": max_lines + len(BUCKETS) * 2 + 1,
        **{f"name_{i}": name for i, name in enumerate(tags)},
        **{f"value_{i}": value for i, (_, value) in enumerate(query.tags)},
    }
    if {"hour", "day", "month"} & set(query.group_by):
        parameters["time_zone"] = query.time_zone
    groups: list[dict[str, Any]] = []
    # The cheap statement says itself whether any inference's rows differ; only then the greatest must be looked for.
    for exact in (False, True):
        sql = bill_sql.bill(bill_sql.Scope(names), len(tags), group_by, filtered, exact=exact)
        groups = [_group(row, len(group_by)) for row in await clickhouse.query(sql, parameters)]
        if not any(group["conflicting_inferences"] for group in groups):
            break
    if sum(group["listed"] for group in groups) > max_lines:
        raise TooManyLines(max_lines)
    with localcontext(prec=100):
        return {"position": applied_position, **_echo(query), **_answer(groups, query.group_by)}


def plain(amount: Decimal) -> str:
    """A Decimal as digits alone: no exponent, no needless zeros at the end, no minus before zero."""
    text = format(amount, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def faults(query: BillQuery) -> list[BadBillQuery]:
    """All that is wrong with a question, each by its field; none when it has an answer."""
    found: list[BadBillQuery] = []
    if len(query.group_by) > MAX_GROUP_BY:
        found.append(BadBillQuery("group_by", f"names at most {MAX_GROUP_BY}"))
    if len(set(query.group_by)) < len(query.group_by):
        found.append(BadBillQuery("group_by", "names the same twice"))
    for name in query.group_by:
        if name not in WORDS and (why := name_fault(name)):
            message = f"must be a tag's name or one of {', '.join(WORDS)}; the name {why}"
            found.append(BadBillQuery("group_by", message))
    found += [BadBillQuery("tag", why) for name, _ in query.tags if (why := name_fault(name))]
    if query.since >= query.until:
        found.append(BadBillQuery("until", "must be after since"))
    if query.known_at is not None and query.known_at < 0:
        found.append(BadBillQuery("known_at", "must be 0 or more"))
    if query.time_zone not in _zones():
        found.append(BadBillQuery("time_zone", "is no time zone of the IANA database, as Europe/Berlin"))
    return found


@cache
def _zones() -> frozenset[str]:
    """The zones that the engine knows too; `localtime` would make a bill depend on its machine."""
    return frozenset(available_timezones()) - {"localtime", "Factory"}


def _echo(query: BillQuery) -> dict[str, Any]:
    return {
        "known_at": query.known_at,
        "since": format_ms(query.since.astimezone(UTC)),
        "until": format_ms(query.until.astimezone(UTC)),
        "group_by": list(query.group_by),
    }


_AFTER_BY = (
    "inferences",
    "distinct_inferences",
    *_COUNTS,
    "cost_usd",
    "unpriced",
    "rows",
    "conflicting_model_rows",
    "conflicting_inferences",
    "seen_until_ms",
    "fingerprint",
)


def _group(row: Row, width: int) -> dict[str, Any]:
    """A row of the statement by name."""
    after = dict(zip(_AFTER_BY, row[2 + width :], strict=True))
    return {"bucket": row[0], "listed": row[1], "by": row[2 : 2 + width], **after}


def _answer(groups: Sequence[dict[str, Any]], group_by: Sequence[str]) -> dict[str, Any]:
    total = _Sums()
    coverage = {bucket: _Sums() for bucket in BUCKETS}
    for group in groups:
        coverage[group["bucket"]].add(group, group["distinct_inferences"])
        if group["listed"] and group["bucket"] == "keyed":
            total.add(group, group["distinct_inferences"])
    return {
        "lines": _lines(groups, group_by, "keyed"),
        "total": total.json(),
        "late_lines": _lines(groups, group_by, "outside_key_life"),
        "coverage": [{"bucket": bucket, **sums.json()} for bucket, sums in coverage.items()],
        "usage": _usage(groups),
    }


def _lines(groups: Iterable[dict[str, Any]], group_by: Sequence[str], bucket: str) -> list[dict[str, Any]]:
    """The lines of a bucket, in the order of their values; null comes after all values, as in the engine."""
    lines: dict[tuple[str | None, ...], _Sums] = {}
    for group in groups:
        if group["listed"] and group["bucket"] == bucket:
            labels = tuple(map(_label, group_by, group["by"]))
            lines.setdefault(labels, _Sums()).add(group, group["inferences"])
    ordered = sorted(lines, key=lambda labels: [(label is None, label or "") for label in labels])
    return [{"by": dict(zip(group_by, labels, strict=True)), **lines[labels].json()} for labels in ordered]


def _label(name: str, value: Any) -> str | None:
    match name:
        case "hour":
            hours, offset_s = divmod(value, 262_144)
            zone = timezone(timedelta(seconds=offset_s - 131_072))
            return (datetime(1970, 1, 1, tzinfo=zone) + timedelta(hours=hours)).isoformat()
        case "day":
            return (date(1970, 1, 1) + timedelta(days=value)).isoformat()
        case "month":
            return f"{value // 100:04d}-{value % 100:02d}"
        case _:
            return None if value is None else str(value)


def _usage(groups: Sequence[dict[str, Any]]) -> dict[str, Any]:
    seen = [group["seen_until_ms"] for group in groups if group["seen_until_ms"] >= 0]
    return {
        "rows": sum(group["rows"] for group in groups),
        "seen_until": format_ms(from_ms(max(seen))) if seen else None,
        "fingerprint": f"{sum(group['fingerprint'] for group in groups) % 2**128:032x}",
        "conflicting_duplicates": sum(g["conflicting_model_rows"] + g["conflicting_inferences"] for g in groups),
    }
