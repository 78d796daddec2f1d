"""What the statement of a bill answers: rows per bucket and line, and how they add up. Money is exact."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from operator import attrgetter
from typing import Any, Final, NamedTuple

from projections.billing.figures import FIGURES, BucketName, Charge, PriceCharge
from projections.billing.statement.price_book import AMOUNT_DECIMALS
from projections.engine.client import Row


class Group(NamedTuple):
    """A row of the statement: of a bucket, or of one of its lines where it is `listed`."""

    bucket: BucketName
    listed: int
    by: Sequence[Any]
    inferences: int
    distinct_inferences: int
    input_tokens: int
    output_tokens: int
    cached_input_tokens: int
    cached_output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cost_usd: Decimal
    unpriced: int
    model_rows: int
    inference_rows: int
    conflicts: int
    seen_until_ms: int
    fingerprint: int
    entries: int
    currency: str
    amount: int
    unrated: int


def read_group(row: Row, width: int) -> Group:
    """A row of a statement that is grouped by so many columns."""
    return Group(row[0], row[1], row[2 : 2 + width], *row[2 + width :])


def sums(groups: Sequence[Group], inferences: int) -> dict[str, Any]:
    """The figures of some groups, by their names."""
    return dict(zip(FIGURES, sums_of(groups, inferences), strict=True))


def sums_of(groups: Sequence[Group], inferences: int) -> tuple[Any, ...]:
    """The figures of some groups, in the order of FIGURES. A bill can have a hundred thousand lines of one group."""
    rows: Sequence[tuple[Any, ...]] = groups
    if len(rows) == 1:
        *tokens, cost_usd, unpriced, model_rows = rows[0][_ADDED]
    else:
        added = map(sum, zip(*(row[_ADDED] for row in rows), strict=True)) if rows else _NONE
        *tokens, cost_usd, unpriced, model_rows = added
    cost = None if unpriced == model_rows else Decimal(cost_usd)
    return inferences, *tokens, cost, unpriced, _charges(groups), sum(group.unrated for group in groups)


def price_charges(groups: Sequence[Group]) -> list[PriceCharge]:
    """What each price charges, of groups that are split by the price: by currency they add up to the charges."""
    found = [PriceCharge(group.by[-2], one.currency, one.amount) for group in groups for one in _charges([group])]
    return sorted(found, key=attrgetter("price_id"))


def _charges(groups: Sequence[Group]) -> tuple[Charge, ...]:
    """The amounts by currency; one is there where one of its prices rated a row."""
    amounts: dict[str, int] = {}
    for group in groups:
        if group.currency and group.model_rows != group.unrated:
            amounts[group.currency] = amounts.get(group.currency, 0) + group.amount
    if not amounts:
        return ()
    return tuple(Charge(currency, Decimal(amounts[currency]).scaleb(-AMOUNT_DECIMALS)) for currency in sorted(amounts))


# Where the figures are in a group, one after the other: from the tokens to the model rows.
_ADDED: Final = slice(Group._fields.index("input_tokens"), Group._fields.index("model_rows") + 1)
_NONE: Final = (0,) * len(Group._fields[_ADDED])
