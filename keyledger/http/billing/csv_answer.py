"""The CSV of a bill as an answer: when a caller asks for it, and what its headers say of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import mimeparse
from fastapi.responses import Response

from keyledger.http.answer.answers import position_headers
from keyledger.http.answer.encode import plain
from keyledger.http.billing.csv_lines import FIGURE_COLUMNS, formula_values, to_csv
from projections.billing.bill import Bill
from projections.billing.query import BillQuery
from projections.billing.rounding import NoMinorUnit, rounded
from registry.errors import FieldFault, FieldsRefused

CSV: Final = "text/csv"
VARY: Final = {"Vary": "Accept"}
ROUNDING_HEADER: Final = "Keyledger-Rounding"
FORMULAS_HEADER: Final = "Keyledger-Formula-Values"
# The one that is liked least comes first.
_KINDS: Final = (CSV, "application/json")


def wants_csv(accept: str | None) -> bool:
    """Whether a caller likes CSV better than JSON, which everything else is answered with, too."""
    return liked(_KINDS, accept) == CSV


def liked(kinds: Sequence[str], accept: str | None) -> str:
    """The kind that a caller likes best; the last one, which everything else is answered with, too."""
    try:
        return mimeparse.best_match(kinds, (accept or "").lower()) or kinds[-1]
    except mimeparse.MimeTypeParseException:
        return kinds[-1]


def check_question(question: BillQuery, *, csv: bool, rounding: bool) -> None:
    """Raise FieldsRefused for what the kind of answer can't hold."""
    if rounding and not csv:
        raise FieldsRefused(FieldFault("round", f"rounds the CSV alone: ask for it by Accept: {CSV}"))
    if csv and (same := [name for name in question.group_by if name in FIGURE_COLUMNS]):
        message = f"{same[0]} is a column of its own in the CSV: ask for JSON"
        raise FieldsRefused(FieldFault("group_by", message))


def csv_answer(bill: Bill, position: int, *, rounding: bool) -> Response:
    """The lines, and in headers what rounding makes of their sums and how many values look like formulas.

    Raises FieldsRefused where a currency has no minor unit.
    """
    headers = {**position_headers(position), **VARY, FORMULAS_HEADER: str(formula_values(bill.lines))}
    lines = bill.lines
    if rounding:
        try:
            lines, differences = rounded(lines)
        except NoMinorUnit as error:
            raise FieldsRefused(FieldFault("round", str(error))) from error
        headers[ROUNDING_HEADER] = ", ".join(f"{name}={plain(amount)}" for name, amount in differences.items())
    text = to_csv(bill.group_by, lines, rounded=rounding)
    return Response(text.encode(), media_type=f"{CSV}; charset=utf-8; header=present", headers=headers)
