"""The columns of a table of figures: which it needs, and what stands in them, so that the points are in line. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from markupsafe import Markup

from keyledger.client.model.bills import Figures
from keyledger.console.formats import money, number

# As wide as a figure, and as a point.
_FIGURE, _POINT = "\u2007", "\u2008"
_MINUS: Final = "\u2212"
_TOKENS: Final = {
    "input_tokens": "Input tokens",
    "output_tokens": "Output tokens",
    "cached_input_tokens": "Cached input",
    "cached_output_tokens": "Cached output",
    "cache_read_tokens": "Cache read",
    "cache_write_tokens": "Cache write",
}
_ALWAYS: Final = frozenset({"input_tokens", "output_tokens"})
# Of what is missing.
COUNTS: Final = frozenset({"unrated", "unpriced"})


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its figure, its head, of charges the currency, and of money how many digits its longest has."""

    figure: str
    head: str
    currency: str | None = None
    digits: int = 0

    def value(self, figures: Figures | None) -> int | Decimal | None:
        """The figure; None where it is not known, or there is none."""
        if figures is None:
            return None
        if self.currency is None:
            found: int | Decimal | None = getattr(figures, self.figure)
            return found
        return next((one.amount for one in figures.charges if one.currency == self.currency), None)

    def cell(self, figures: Figures | None, *, signed: bool = False) -> Markup | str:
        """The text of a cell."""
        value = self.value(figures)
        if value is None:
            return number(None)
        text = str(number(value) if isinstance(value, int) else money(value))
        if signed:
            text = f"+{text}" if value > 0 else text.replace("-", _MINUS)
        if isinstance(value, Decimal):
            text += _pad(text.partition(".")[2], self.digits)
        return text

    def is_called_out(self, figures: Figures) -> bool:
        """Whether it is a count of what is missing, and there is something."""
        return self.figure in COUNTS and bool(self.value(figures))


def columns_of(all_figures: Sequence[Figures]) -> list[Column]:
    """The columns that a table of these needs."""
    tokens = [
        Column(name, head)
        for name, head in _TOKENS.items()
        if name in _ALWAYS or any(getattr(one, name) for one in all_figures)
    ]
    currencies = sorted({one.currency for figures in all_figures for one in figures.charges})
    amounts = [Column("cost_usd", "Cost, USD"), *[Column("charges", f"Charges, {one}", one) for one in currencies]]
    return [
        Column("inferences", "Inferences"),
        *tokens,
        *[_wide(column, all_figures) for column in amounts],
        Column("unrated", "Unrated"),
        Column("unpriced", "Unpriced"),
    ]


def _wide(column: Column, all_figures: Sequence[Figures]) -> Column:
    texts = [str(money(value)) for one in all_figures if isinstance(value := column.value(one), Decimal)]
    digits = max((len(text.partition(".")[2]) for text in texts), default=0)
    return Column(column.figure, column.head, column.currency, digits)


def _pad(behind: str, digits: int) -> str:
    if not digits:
        return ""
    return _FIGURE * (digits - len(behind)) if behind else _POINT + _FIGURE * digits
