"""The figures of a line, a bucket or the total, from the model rows that are in it and what each is charged."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from tests.support.oracle.prices import EXACT, Charge, plain
from tests.support.oracle.rows import CACHE_READ, CACHE_WRITE, Row

Charged = tuple[Row, Charge | None]  # a model row and what it is charged; None: unrated


class Line:
    """Sums of one line, bucket or total.

    `cost_usd` is None where not one row has a cost, so also where there is no model row. `charges` has each currency
    whose prices rated a row of it, also where they come to nothing (`"0"`): rated at nothing is not unrated.
    """

    def __init__(self) -> None:
        self._ids: set[int] = set()
        self._rows: list[Row] = []
        self._charges: list[Charge | None] = []

    def add(self, number: int, models: Iterable[Charged]) -> None:
        """Count an inference and some of its model rows."""
        self._ids.add(number)
        for row, charge in models:
            self._rows.append(row)
            self._charges.append(charge)

    def json(self) -> dict[str, Any]:
        """The figures in the order of CONTRACT."""
        costs = [row["cost"] for row in self._rows if row["cost"] is not None]
        return {
            "inferences": len(self._ids),
            "input_tokens": self._tokens("input_tokens", cached=False),
            "output_tokens": self._tokens("output_tokens", cached=False),
            "cached_input_tokens": self._tokens("input_tokens", cached=True),
            "cached_output_tokens": self._tokens("output_tokens", cached=True),
            "cache_read_tokens": self._tokens(CACHE_READ, cached=False),
            "cache_write_tokens": self._tokens(CACHE_WRITE, cached=False),
            "cost_usd": plain(_sum(costs)) if costs else None,
            "unpriced": len(self._rows) - len(costs),
            "charges": self._sums(),
            "unrated": self._charges.count(None),
        }

    def _tokens(self, name: str, *, cached: bool) -> int:
        return sum(row.get(name) or 0 for row in self._rows if row["cached"] == cached)

    def _sums(self) -> list[dict[str, str]]:
        amounts: dict[str, list[Decimal]] = {}
        for charge in self._charges:
            if charge is not None:
                amounts.setdefault(charge[0], []).append(charge[1])
        return [{"currency": currency, "amount": plain(_sum(amounts[currency]))} for currency in sorted(amounts)]


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    total = Decimal(0)
    for amount in amounts:
        total = EXACT.add(total, amount)
    return total
