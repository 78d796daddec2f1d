"""A period in rows for FOCUS: the lines of a bill by day, key, tags, model, provider and price, in one currency each.

They are the bill's own statement, split further, so that their charges add up to those of the bill.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import localcontext

from projections.billing.figures import Figures
from projections.billing.known.usage import known_usage
from projections.billing.limits import BillLimits
from projections.billing.query import BillQuery, faults
from projections.billing.statement import sql as bill_sql
from projections.billing.statement.asked import known_position
from projections.billing.statement.groups import Group, read_group, sums
from projections.billing.statement.key_tags import TagAt, key_tags
from projections.billing.statement.prepared import prepare
from projections.billing.statement.scope import Scope
from projections.engine.client import ClickHouse
from projections.engine.templates import Names
from projections.errors import TooManyLines
from projections.ledger.presence import Presence
from projections.together import together
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

    @property
    def identity(self) -> Hashable:
        """All but its figures: no two lines of a report have the same."""
        key = self.day, self.public_id, tuple(self.tags.items())
        return *key, self.model, self.provider, self.price_id, self.price_from_ms, self.currency

    @property
    def order(self) -> tuple[object, ...]:
        """Where it stands in a report."""
        set_at = sorted((name, one.position) for name, one in self.tags.items())
        price = self.price_id, self.price_from_ms, self.currency
        return self.day, self.public_id, set_at, self.model or "", self.provider or "", *price


@dataclass(frozen=True)
class FocusReport:
    """The rows of a period, and what they know: the log's position, and that of the anchor that has all their usage.

    `anchored_at` is None while some usage of the period is newer. `corrections`: the rows correct an earlier report.
    """

    position: int
    anchored_at: int | None
    lines: list[FocusLine]
    corrections: bool = False


async def focus_report(
    clickhouse: ClickHouse, names: Names, query: BillQuery, applied_position: int, limits: BillLimits | None = None
) -> FocusReport:
    """The rows of a period. `query` is grouped by FOCUS_BY. Reads only; raises what `compute_bill` raises."""
    if found := faults(query):
        raise found[0]
    limits = limits or BillLimits()
    scope, position, until_ms = Scope(names), known_position(query, applied_position), to_ms(query.until)
    _, usage, ready = await together(
        Presence(clickhouse, names).check(),
        known_usage(clickhouse, names, query, applied_position),
        prepare(clickhouse, scope, query, position),
    )
    asked = ready.asked
    detail = bill_sql.Detail(
        "a.bucket = 'keyed' AND a.listed", ("public_id", "tags_from_ms"), tags_from=True, price=True
    )
    sql = bill_sql.bill(scope, len(asked.tags), asked.group_by, asked.filtered, asked.book, detail, ready.way)
    parameters = {**asked.parameters, **usage.pinned.parameters, "now_ms": until_ms, "limit": limits.lines + 1}
    rows = await limits.within(clickhouse.query(sql, parameters, limits.of_engine, stoppable=True))
    if len(rows) > limits.lines:
        raise TooManyLines(limits.lines)
    width = 2 + len(FOCUS_BY) + (2 if ready.prices.prices else 0)
    groups = [read_group(row, width) for row in rows]
    wanted = {(group.by[0], group.by[1]) for group in groups}
    tags = await key_tags(clickhouse, scope, wanted, position, until_ms)
    with localcontext(prec=100):
        lines = sorted(_lines(groups, tags), key=lambda line: line.order)
    return FocusReport(position, usage.anchored_at, lines)


def _lines(groups: Iterable[Group], tags: Mapping[tuple[str, int], Mapping[str, TagAt]]) -> Iterator[FocusLine]:
    """The lines. A key that gets back the tags that it had, as by the end of another, has one line for both times."""
    alike: dict[Hashable, list[Group]] = {}
    for group in groups:
        public_id, tags_from_ms, *by = group.by
        of_key = tuple(tags[public_id, tags_from_ms].items())
        alike.setdefault((public_id, of_key, *by, group.currency), []).append(group)
    for same in alike.values():
        public_id, tags_from_ms, day, model, provider, *price = same[0].by
        price_id, price_from_ms = price or ("", 0)
        figures = Figures(**sums(same, sum(group.inferences for group in same)))
        of_price = price_id, price_from_ms, same[0].currency
        yield FocusLine(day, public_id, tags[public_id, tags_from_ms], model, provider, *of_price, figures)
