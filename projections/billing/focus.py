"""A period in rows for FOCUS: the lines of a bill by day, key, tags, model, provider and price, in one currency each.

They are the bill's own statement, split further, so that their charges add up to those of the bill.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import localcontext

from projections.billing.figures import Figures
from projections.billing.known_usage import known_usage
from projections.billing.limits import BillLimits
from projections.billing.query import BillQuery, faults
from projections.billing.statement import sql as bill_sql
from projections.billing.statement.asked import ask, known_position
from projections.billing.statement.groups import Group, read_group, sums
from projections.billing.statement.key_tags import TagAt, key_tags
from projections.billing.statement.price_book import read_price_book
from projections.billing.statement.scope import Scope
from projections.engine.client import ClickHouse
from projections.engine.templates import Names
from projections.errors import TooManyLines
from projections.ledger.presence import Presence
from registry.instant import to_ms

FOCUS_BY = ("day", "model", "provider")


@dataclass(frozen=True)
class FocusLine:
    """Usage of a key with some tags on a day (since 1970, in UTC) by one price; no `price_id`: no price fits."""

    day: int
    public_id: str
    tags: Mapping[str, TagAt]
    model: str | None
    provider: str | None
    price_id: str
    price_from_ms: int
    currency: str
    figures: Figures


@dataclass(frozen=True)
class FocusReport:
    """The rows of a period, the position that they know, and the batch of the journal that they were made of."""

    position: int
    batch: int
    lines: list[FocusLine]


async def focus_report(
    clickhouse: ClickHouse, names: Names, query: BillQuery, applied_position: int, limits: BillLimits | None = None
) -> FocusReport:
    """The rows of a period. `query` is grouped by FOCUS_BY. Reads only; raises what `compute_bill` raises."""
    if found := faults(query):
        raise found[0]
    limits = limits or BillLimits()
    await Presence(clickhouse, names).check()
    pinned = (await known_usage(clickhouse, names, query, applied_position)).pinned
    position, period = known_position(query, applied_position), (to_ms(query.since), to_ms(query.until))
    prices = await read_price_book(clickhouse, Scope(names), position, *period)
    asked = ask(query, position, period, pinned, prices)
    detail = bill_sql.Detail(
        "a.bucket = 'keyed' AND a.listed", ("public_id", "tags_from_ms"), tags_from=True, price=True
    )
    scope = Scope(names)
    sql = bill_sql.bill(scope, len(asked.tags), asked.group_by, asked.filtered, asked.book, detail)
    parameters = {**asked.parameters, "now_ms": period[1], "limit": limits.lines + 1}
    rows = await limits.within(clickhouse.query(sql, parameters, limits.of_engine, stoppable=True))
    if len(rows) > limits.lines:
        raise TooManyLines(limits.lines)
    width = 2 + len(FOCUS_BY) + (2 if prices.prices else 0)
    groups = [read_group(row, width) for row in rows]
    wanted = {(group.by[0], group.by[1]) for group in groups}
    tags = await key_tags(clickhouse, scope, wanted, position, period[1])
    with localcontext(prec=100):
        lines = [_line(group, tags) for group in groups]
    return FocusReport(position, pinned.batch, sorted(lines, key=_order))


def _line(group: Group, tags: Mapping[tuple[str, int], Mapping[str, TagAt]]) -> FocusLine:
    public_id, tags_from_ms, day, model, provider, *price = group.by
    price_id, price_from_ms = price or ("", 0)
    figures = Figures(**sums([group], group.inferences))
    of_key = tags[public_id, tags_from_ms]
    return FocusLine(day, public_id, of_key, model, provider, price_id, price_from_ms, group.currency, figures)


def _order(line: FocusLine) -> tuple[object, ...]:
    set_at = sorted((name, one.position) for name, one in line.tags.items())
    return line.day, line.public_id, set_at, line.model or "", line.provider or "", line.price_id, line.price_from_ms
