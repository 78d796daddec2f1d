"""The lines of a bill as CSV by RFC 4180: columns that the question alone decides, values as they are. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

from keyledger.http.answer.encode import plain
from projections.billing.figures import FIGURES, Line

# In place of `charges`, which is a list: a line that is charged in several currencies goes on in further rows.
_OF_CHARGE: Final = ("currency", "amount")
_BEFORE: Final = FIGURES[: FIGURES.index("charges")]
_AFTER: Final = FIGURES[FIGURES.index("charges") + 1 :]
FIGURE_COLUMNS: Final = (*_BEFORE, *_OF_CHARGE, *_AFTER)
# What spreadsheets take for the beginning of a formula.
_FORMULA: Final = ("=", "+", "-", "@")
_Text = Callable[[Decimal], str]


def to_csv(group_by: Sequence[str], lines: Sequence[Line], *, rounded: bool = False) -> str:
    """The header and the lines. A value that is null is an empty field; `rounded` money has all digits of its unit.

    Every figure of a line is in its first row alone, so that the sum of a column is that of the bill.
    """
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow((*group_by, *FIGURE_COLUMNS))
    for line in lines:
        writer.writerows(_rows(line, _all_digits if rounded else plain))
    return file.getvalue()


def formula_values(lines: Sequence[Line]) -> int:
    """How many values a spreadsheet would take for formulas: they are given as they are, and counted."""
    return sum(value is not None and value.startswith(_FORMULA) for line in lines for value in line.by.values())


def _all_digits(amount: Decimal) -> str:
    return format(amount, "f")


def _rows(line: Line, text: _Text) -> Iterator[list[Any]]:
    by = list(line.by.values())
    first, *more = [(one.currency, text(one.amount)) for one in line.charges] or [("", "")]
    before, after = ([_field(getattr(line, name), text) for name in names] for names in (_BEFORE, _AFTER))
    yield [*by, *before, *first, *after]
    yield from ([*by, *[""] * len(before), *charge, *[""] * len(after)] for charge in more)


def _field(value: int | Decimal | None, text: _Text) -> int | str | None:
    return text(value) if isinstance(value, Decimal) else value
