"""What the statement of a bill answers: rows per bucket and line, and how they add up. Money is exact."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

from projections.billing.figures import FIGURES, BucketName, Charge
from projections.billing.price_book import AMOUNT_DECIMALS
from projections.engine.client import Row

_SUMMED: Final = tuple(name for name in FIGURES if name not in ("inferences", "charges"))


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
    """The figures of some groups, by their names."""
    figures: dict[str, Any] = {name: sum(getattr(group, name) for group in groups) for name in _SUMMED}
    rows = sum(group.model_rows for group in groups)
    figures["inferences"] = inferences
    figures["cost_usd"] = None if figures["unpriced"] == rows else Decimal(figures["cost_usd"])
    return figures | {"charges": _charges(groups)}


def _charges(groups: Sequence[Group]) -> tuple[Charge, ...]:
    """The amounts by currency; one is there where one of its prices rated a row."""
    amounts: dict[str, int] = {}
    for group in groups:
        if group.currency and group.model_rows != group.unrated:
            amounts[group.currency] = amounts.get(group.currency, 0) + group.amount
    return tuple(Charge(currency, Decimal(amounts[currency]).scaleb(-AMOUNT_DECIMALS)) for currency in sorted(amounts))
