"""The figures of an inference as sums of those of its model rows, to the last digit. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Any

from projections.billing.bill import plain

FIGURES = (
    "input_tokens",
    "output_tokens",
    "cached_input_tokens",
    "cached_output_tokens",
    "cost_usd",
    "unpriced",
)


@dataclass(frozen=True, slots=True)
class ModelRow:
    """What a model used, deduplicated: of `rows` that came under this id the greatest one, where they differ."""

    id: str
    model: str
    provider: str
    input_tokens: int
    output_tokens: int
    cached: bool
    cost_usd: Decimal | None
    differ: bool
    rows: int

    def json(self) -> dict[str, Any]:
        """As answers show it; no cost is null."""
        return {
            "id": self.id,
            "model": self.model,
            "provider": self.provider,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cached": self.cached,
            "cost_usd": None if self.cost_usd is None else plain(self.cost_usd),
            "rows": self.rows,
            "differ": self.differ,
        }


def terms(models: Sequence[ModelRow]) -> dict[str, list[int | Decimal]]:
    """What each figure adds up, in the order of the rows: a row is in those that it counts for.

    Cached rows count apart, as nothing was bought for them; without a cost a row adds none, and counts as unpriced.
    """
    bought, cached = ([row for row in models if row.cached is kind] for kind in (False, True))
    return {
        "input_tokens": [row.input_tokens for row in bought],
        "output_tokens": [row.output_tokens for row in bought],
        "cached_input_tokens": [row.input_tokens for row in cached],
        "cached_output_tokens": [row.output_tokens for row in cached],
        "cost_usd": [row.cost_usd for row in models if row.cost_usd is not None],
        "unpriced": [1 for row in models if row.cost_usd is None],
    }


def total(of: Sequence[int | Decimal]) -> int | Decimal:
    """Their exact sum."""
    with localcontext(prec=100):
        return sum(of, start=0)


def sums_json(models: Sequence[ModelRow]) -> list[dict[str, Any]]:
    """Each figure with its terms and their sum, as answers show them."""
    return [
        {"figure": name, "terms": [_json(name, one) for one in of], "sum": _json(name, total(of))}
        for name, of in terms(models).items()
    ]


def figures_json(figures: dict[str, int | Decimal]) -> dict[str, Any]:
    """Figures as answers show them."""
    return {name: _json(name, figures[name]) for name in FIGURES}


def _json(name: str, value: int | Decimal) -> Any:
    return plain(Decimal(value)) if name == "cost_usd" else int(value)
