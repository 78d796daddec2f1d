"""The figures of an inference as sums of those of its model rows, and its charges as products, exact. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext

from registry.prices.terms import Terms

_MILLION = 1_000_000
_NO_COST = "its price multiplies the recorded cost, and none was recorded"


@dataclass(frozen=True, slots=True)
class ModelRow:
    """What a model used, deduplicated: of `rows` that came under this id the greatest one, where they `differ`."""

    id: str
    model: str
    provider: str
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cached: bool
    cost_usd: Decimal | None
    rows: int
    differ: bool


@dataclass(frozen=True, slots=True)
class InferenceFigures:
    """The figures of an inference on the bill; `cost_usd` is None where none of its rows has a cost."""

    input_tokens: int
    output_tokens: int
    cached_input_tokens: int
    cached_output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cost_usd: Decimal | None
    unpriced: int


@dataclass(frozen=True, slots=True)
class Sum:
    """A figure, and what it adds up, in the order of the model rows: a row is a term of those that it counts for."""

    figure: str
    terms: list[int | Decimal]
    sum: int | Decimal | None


@dataclass(frozen=True, slots=True)
class ChargeTerm:
    """A multiplication: `quantity` times `price`, which is for so many (`per`), gives `amount`."""

    counted: str
    quantity: int | Decimal
    price: Decimal
    per: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class RowCharge:
    """What a model row is charged, as a sum of terms. `position` is that of the event that set the price's terms.

    Where it is unrated, `unrated` says why; without a price all else is None.
    """

    id: str
    price_id: str | None = None
    position: int | None = None
    currency: str | None = None
    terms: tuple[ChargeTerm, ...] = ()
    amount: Decimal | None = None
    unrated: str | None = None


def charge_row(row: ModelRow, price_id: str, position: int, terms: Terms, *, first: bool) -> RowCharge:
    """The charge of a row by a price; `first` where the price charges the inference itself on this row."""
    if terms.cost_multiplier is not None and row.cost_usd is None and not row.cached:
        return RowCharge(row.id, price_id, position, terms.currency, unrated=_NO_COST)
    with localcontext(prec=100):
        found = tuple(
            ChargeTerm(counted, quantity, Decimal(price), per, quantity * Decimal(price) / per)
            for counted, quantity, price, per in _counted(row, terms, first=first)
        )
        amount = sum((one.amount for one in found), start=Decimal(0))
    return RowCharge(row.id, price_id, position, terms.currency, found, amount)


def _counted(row: ModelRow, terms: Terms, *, first: bool) -> list[tuple[str, int | Decimal, str, int]]:
    """What of a row is multiplied: by which name, how much, by what, and for how many that is."""
    if terms.cost_multiplier is not None:
        return [] if row.cached or row.cost_usd is None else [("cost_usd", row.cost_usd, terms.cost_multiplier, 1)]
    named = terms.per_million
    # What the provider's cache read and wrote are parts of the input; with a price of their own they leave it.
    apart = {"cache_read": row.cache_read_tokens, "cache_write": row.cache_write_tokens}
    apart = {} if row.cached else {name: tokens for name, tokens in apart.items() if name in named}
    tokens = (
        {"cached_input": row.input_tokens, "cached_output": row.output_tokens}
        if row.cached
        else {"input": row.input_tokens - sum(apart.values()), "output": row.output_tokens, **apart}
    )
    found: list[tuple[str, int | Decimal, str, int]] = [
        (name, count, named[name], _MILLION) for name, count in tokens.items() if name in named
    ]
    if terms.per_inference is not None and first:
        found.append(("inference", 1, terms.per_inference, 1))
    return found


def sums(models: Sequence[ModelRow]) -> list[Sum]:
    """Every figure, as the exact sum of its terms.

    Cached rows count apart, as nothing was bought for them; without a cost a row adds none, and counts as unpriced.
    """
    bought, cached = ([row for row in models if row.cached is kind] for kind in (False, True))
    return [
        _count("input_tokens", [row.input_tokens for row in bought]),
        _count("output_tokens", [row.output_tokens for row in bought]),
        _count("cached_input_tokens", [row.input_tokens for row in cached]),
        _count("cached_output_tokens", [row.output_tokens for row in cached]),
        _count("cache_read_tokens", [row.cache_read_tokens for row in bought]),
        _count("cache_write_tokens", [row.cache_write_tokens for row in bought]),
        _money("cost_usd", [row.cost_usd for row in models if row.cost_usd is not None]),
        _count("unpriced", [1 for row in models if row.cost_usd is None]),
    ]


def _count(figure: str, terms: list[int]) -> Sum:
    return Sum(figure, [*terms], sum(terms))


def _money(figure: str, terms: list[Decimal]) -> Sum:
    with localcontext(prec=100):
        return Sum(figure, [*terms], sum(terms, start=Decimal(0)) if terms else None)
