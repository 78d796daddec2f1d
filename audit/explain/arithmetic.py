"""The figures of an inference as sums of those of its model rows, to the last digit. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext


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
