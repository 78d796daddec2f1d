"""What a statement of a bill asks: the tags by number, the names of its lines, and the values that are bound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from projections.billing.query import WORDS, BillQuery
from projections.billing.statement import sql as bill_sql
from projections.billing.statement.price_book import PriceBook


@dataclass(frozen=True)
class Asked:
    """A question as the SQL has it: `group_by` and `filtered` name tags by their number in `tags`."""

    tags: tuple[str, ...]
    group_by: list[str]
    filtered: list[int]
    book: bill_sql.Book
    parameters: dict[str, Any]


def ask(query: BillQuery, position: int, period: tuple[int, int], prices: PriceBook) -> Asked:
    """The question as known at a position, of a period in milliseconds."""
    asked = [*(n for n in query.group_by if n not in WORDS), *(n for n, _ in query.tags)]
    tags = tuple(dict.fromkeys([*asked, *prices.tag_names]))
    parameters: dict[str, Any] = {
        "position": position,
        "since_ms": period[0],
        "until_ms": period[1],
        **{f"name_{i}": name for i, name in enumerate(tags)},
        **{f"value_{i}": value for i, (_, value) in enumerate(query.tags)},
    }
    if not bill_sql.LOCAL.isdisjoint(query.group_by):
        parameters["time_zone"] = query.time_zone
    if prices.prices:
        parameters |= {"rate_names": list(prices.tag_names), "times_ms": list(prices.times_ms)}
    return Asked(
        tags=tags,
        group_by=[name if name in WORDS else f"tag_{tags.index(name)}" for name in query.group_by],
        filtered=[tags.index(name) for name, _ in query.tags],
        book=bill_sql.Book(bool(prices.prices), [tags.index(name) for name in prices.tag_names], prices.by_inference),
        parameters=parameters,
    )


def known_position(query: BillQuery, applied_position: int) -> int:
    """The position that a question knows of what is applied."""
    return applied_position if query.known_at is None else min(query.known_at, applied_position)
