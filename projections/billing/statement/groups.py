"""What the statement of a bill answers: rows per bucket and line, and how they add up. Money is exact."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from operator import attrgetter
from typing import Any, Final, NamedTuple

from projections.billing.figures import FIGURES, BucketName, Charge
from projections.billing.statement.price_book import AMOUNT_DECIMALS
from projections.engine.client import Row

_SUMMED: Final = tuple(name for name in FIGURES if name not in ("inferences", "charges"))
_summed: Final = attrgetter(*_SUMMED)


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
    currency: str
    amount: int
    unrated: int


def read_group(row: Row, width: int) -> Group:
    """A row of a statement that is grouped by so many columns."""
    return Group(row[0], row[1], row[2 : 2 + width], *row[2 + width :])


def sums(groups: Sequence[Group], inferences: int) -> dict[str, Any]:
    """The figures of some groups, by their names. A bill can have a hundred thousand lines, mostly of one group."""
    rows = sum(group.model_rows for group in groups) if len(groups) != 1 else groups[0].model_rows
    added = map(sum, zip(*map(_summed, groups), strict=True)) if len(groups) != 1 else _summed(groups[0])
    figures: dict[str, Any] = dict.fromkeys(_SUMMED, 0) | dict(zip(_SUMMED, added, strict=bool(groups)))
    figures["inferences"] = inferences
    figures["cost_usd"] = None if figures["unpriced"] == rows else Decimal(figures["cost_usd"])
    figures["charges"] = _charges(groups)
    return figures


def _charges(groups: Sequence[Group]) -> tuple[Charge, ...]:
    """The amounts by currency; one is there where one of its prices rated a row."""
    if not any(group.currency for group in groups):
        return ()
    amounts: dict[str, int] = {}
    for group in groups:
        if group.currency and group.model_rows != group.unrated:
            amounts[group.currency] = amounts.get(group.currency, 0) + group.amount
    return tuple(Charge(currency, Decimal(amounts[currency]).scaleb(-AMOUNT_DECIMALS)) for currency in sorted(amounts))
