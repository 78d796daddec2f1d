"""Rounds the money of a bill, each amount once per line: half to even, to the minor unit of its currency by ISO 4217.

Pure. What the sum of the rounded lines differs by is part of the answer: rounding is never silent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Final

from iso4217 import Currency

from projections.billing.figures import Charge, Line

COST: Final = "cost_usd"
_PRECISION: Final = 100


class NoMinorUnit(Exception):
    """ISO 4217 names no minor unit of a currency, so nothing can be rounded to it."""

    def __init__(self, currency: str) -> None:
        self.currency = currency
        super().__init__(f"ISO 4217 names no minor unit of {currency}")


def rounded(lines: Sequence[Line]) -> tuple[list[Line], dict[str, Decimal]]:
    """The rounded lines; and for `cost_usd` and each currency, the sum of the rounded less that of the exact amounts.

    Raises NoMinorUnit.
    """
    made = [_rounded(line) for line in lines]
    with localcontext(prec=_PRECISION):
        names = {name for line in lines for name, _ in _amounts(line)}
        order = sorted(names, key=lambda name: (name != COST, name))
        return made, {name: _sum(made, name) - _sum(lines, name) for name in order}


def round_amount(amount: Decimal, currency: str) -> Decimal:
    """One amount, with all digits of the minor unit. Raises NoMinorUnit."""
    try:
        digits = Currency(currency).exponent
    except ValueError:
        digits = None
    if digits is None:
        raise NoMinorUnit(currency)
    with localcontext(prec=_PRECISION):
        whole = amount.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN)
    return abs(whole) if whole.is_zero() else whole


def _rounded(line: Line) -> Line:
    charges = tuple(Charge(one.currency, round_amount(one.amount, one.currency)) for one in line.charges)
    cost_usd = None if line.cost_usd is None else round_amount(line.cost_usd, "USD")
    return replace(line, cost_usd=cost_usd, charges=charges)


def _amounts(line: Line) -> Iterable[tuple[str, Decimal]]:
    if line.cost_usd is not None:
        yield COST, line.cost_usd
    yield from ((one.currency, one.amount) for one in line.charges)


def _sum(lines: Iterable[Line], name: str) -> Decimal:
    return sum((amount for line in lines for one, amount in _amounts(line) if one == name), start=Decimal(0))
