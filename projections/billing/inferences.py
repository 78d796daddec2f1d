"""The inferences behind a line of a bill, page by page: what is attributed, named and rated as the bill does it.

All pages are made at the position, and over the entries of the journal, at which the first was: no page shifts while
rows and events arrive, and their figures add up to those of the line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import localcontext
from typing import Any, Final, NamedTuple
from uuid import UUID

from projections.billing.figures import Figures, InBucket, Labelled, PriceCharge
from projections.billing.known.usage import known_usage
from projections.billing.labels import label
from projections.billing.limits import BillLimits
from projections.billing.line import LineQuery, line_condition, line_parameters
from projections.billing.statement import sql as bill_sql
from projections.billing.statement.asked import known_position
from projections.billing.statement.groups import Group, price_charges, read_group, sums
from projections.billing.statement.key_tags import TagAt, key_tags
from projections.billing.statement.prepared import Prepared, prepare
from projections.billing.statement.scope import Scope
from projections.engine.client import ClickHouse, Row
from projections.engine.templates import Names
from projections.errors import BadBillQuery
from projections.ledger.presence import Presence
from projections.together import together
from projections.usage.journal.state import Journal, Pinned
from registry.instant import from_ms, to_ms

_AFTER: Final = "(a.at_ms > {after_ms:Int64} OR (a.at_ms = {after_ms:Int64} AND a.number > {after_number:UInt128}))"
_UP_TO: Final = "(a.at_ms < {last_ms:Int64} OR (a.at_ms = {last_ms:Int64} AND a.number <= {last_number:UInt128}))"


class Place(NamedTuple):
    """After which inference a page begins, and of what: the position and the batch of the journal of its first page."""

    position: int
    batch: int
    at_ms: int = -2  # -1 for ids without an instant
    number: int = 0


@dataclass(frozen=True)
class InLedger:
    """Which inference it is. `at` is None where its id has no instant; an id is empty where there is no such key.

    `tags` are all that its key had at that instant.
    """

    inference_id: UUID
    at: datetime | None
    public_id: str
    credential_id: str
    tags: Mapping[str, str]


@dataclass(frozen=True)
class _Rated:
    models: list[str]
    prices: list[PriceCharge]


# The fields of the last base come first.
@dataclass(frozen=True)
class BilledInference(Figures, _Rated, Labelled, InBucket, InLedger):
    """An inference of a line with its figures there: where the line is of a model, those of that model alone."""


@dataclass(frozen=True)
class InferencePage:
    """A page, and where the next one begins; None on the last."""

    items: list[BilledInference]
    next: Place | None


@dataclass(frozen=True)
class _Reading:
    """What all statements of a page share: the question as the bill's statement has it, and how it is made."""

    clickhouse: ClickHouse
    scope: Scope
    query: LineQuery
    ready: Prepared
    pinned: Pinned
    after: Place
    limits: BillLimits

    async def rows(self, sql: str, **more: Any) -> Sequence[Row]:
        """The rows of one statement."""
        after = {"after_ms": self.after.at_ms, "after_number": self.after.number}
        parameters = {**self.ready.asked.parameters, **self.pinned.parameters, **line_parameters(self.query)}
        parameters |= {**after, **more}
        return await self.limits.within(self.clickhouse.query(sql, parameters, self.limits.of_engine, stoppable=True))


async def list_inferences(
    clickhouse: ClickHouse,
    names: Names,
    query: LineQuery,
    applied_position: int,
    limit: int,
    after: Place | None = None,
    limits: BillLimits | None = None,
) -> InferencePage:
    """A page of at most `limit` inferences, in the order of their instants and ids. Reads only.

    `applied_position` is at most what is applied, and not less than `after.position`. Raises BadBillQuery,
    BillLimitReached, and RowsMissing while rows are known to be missing.
    """
    scope, limits = Scope(names), limits or BillLimits()
    position = known_position(query.bill, applied_position if after is None else after.position)
    _, now, ready = await together(
        Presence(clickhouse, names).check(),
        _usage_now(clickhouse, names, query, applied_position, after),
        prepare(clickhouse, scope, query.bill, position),
    )
    start = after or Place(applied_position, now.batch)
    if start.batch > now.batch:
        raise BadBillQuery("cursor", "is of a usage journal that is no longer there: begin at the first page")
    reading = _Reading(clickhouse, scope, query, ready, replace(now, batch=start.batch), start, limits)
    found = await _listed(reading, limit + 1)
    page = found[:limit]
    tags, figures = await together(_tags(reading, page), _figures(reading, page)) if page else ({}, {})
    with localcontext(prec=100):
        items = [_inference(query, row, figures[row[1]], tags.get((row[2], row[0]), {})) for row in page]
    more = len(found) > limit
    return InferencePage(items, start._replace(at_ms=page[-1][0], number=page[-1][1]) if more else None)


async def _usage_now(
    clickhouse: ClickHouse, names: Names, query: LineQuery, applied_position: int, after: Place | None
) -> Pinned:
    """What of the journal counts now, or did as the bill's usage was known."""
    if after is not None or query.bill.usage_known_at is None:
        return await Journal(clickhouse, names).pinned()
    return (await known_usage(clickhouse, names, query.bill, applied_position)).pinned


async def _listed(reading: _Reading, limit: int) -> Sequence[Row]:
    """The inferences after the place: instant, number, key, credential, labels, models."""
    asked, since_ms = reading.ready.asked, max(to_ms(reading.query.bill.since), reading.after.at_ms)
    only = f"{line_condition(reading.query)} AND {_AFTER}"
    sql = bill_sql.inferences(reading.scope, len(asked.tags), asked.group_by, asked.filtered, only, reading.ready.way)
    return await reading.rows(sql, limit=limit, since_ms=since_ms)


async def _figures(reading: _Reading, page: Sequence[Row]) -> dict[int, list[Group]]:
    """The rows of the bill's statement for the inferences of a page, by their numbers."""
    asked, prices, way, last = reading.ready.asked, reading.ready.prices.prices, reading.ready.way, page[-1]
    times = [row[0] for row in page if row[0] >= 0] or [asked.parameters["since_ms"]]
    only = f"{line_condition(reading.query)} AND {_AFTER} AND {_UP_TO}"
    detail = bill_sql.Detail(only, ("number",), price=True)
    sql = bill_sql.bill(reading.scope, len(asked.tags), asked.group_by, asked.filtered, asked.book, detail, way)
    rows = await reading.rows(
        sql,
        limit=len(page) * (prices + 1),
        since_ms=times[0],
        until_ms=times[-1] + 1,
        last_ms=last[0],
        last_number=last[1],
        now_ms=last[0],
    )
    found: dict[int, list[Group]] = {}
    width = 1 + len(asked.group_by) + (2 if prices else 0)
    for group in (read_group(row, width) for row in rows):
        found.setdefault(group.by[0], []).append(group)
    return found


async def _tags(reading: _Reading, page: Sequence[Row]) -> dict[tuple[str, int], Mapping[str, TagAt]]:
    """The tags of the keys of a page as of its instants."""
    wanted = {(row[2], row[0]) for row in page if row[2]}
    position = reading.ready.asked.parameters["position"]
    return await key_tags(reading.clickhouse, reading.scope, wanted, position, page[-1][0] + 1)


def _inference(query: LineQuery, row: Row, groups: Sequence[Group], tags: Mapping[str, TagAt]) -> BilledInference:
    at_ms, number, public_id, credential_id, *labels, models = row
    group_by = query.bill.group_by
    return BilledInference(
        inference_id=UUID(int=number),
        at=from_ms(at_ms) if at_ms >= 0 else None,
        public_id=public_id,
        credential_id=credential_id,
        tags={name: one.value for name, one in tags.items()},
        bucket=query.bucket,
        by={name: None if value is None else label(name, value) for name, value in zip(group_by, labels, strict=True)},
        models=list(models),
        prices=price_charges(groups),
        **sums(groups, 1),
    )
