"""A CSV of prices: a header, then a price a line. An empty cell says nothing."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Final

from registry.errors import FieldFault
from registry.prices.importing.rows import FileRefused, PriceRow, Wanted, checked, is_meant
from registry.prices.terms import COUNTED, NewPrice, Terms

_NEEDED: Final = ("price_id", "model", "currency")
COLUMNS: Final = (*_NEEDED, "provider", *COUNTED, "per_inference", "cost_multiplier")
# A column of tags is `tag:` and the tag's name.
TAG: Final = "tag:"


def read_csv(text: str, wanted: Wanted) -> Iterator[PriceRow]:
    """The prices. Raises FileRefused for a header that is none."""
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(lines, [])
        _check_header(header)
        line = lines.line_num
        for cells in lines:
            first, line = line + 1, lines.line_num
            if cells and is_meant(row := _row(first, header, cells), wanted):
                yield row
    except csv.Error as error:
        raise FileRefused(f"line {lines.line_num} is no CSV: {error}") from error


def _check_header(header: list[str]) -> None:
    unknown = [name for name in header if name not in COLUMNS and not name.startswith(TAG)]
    if unknown or len(set(header)) < len(header) or not set(_NEEDED) <= set(header):
        raise FileRefused(
            f"line 1 must be a header with each name once: {', '.join(_NEEDED)}, and of "
            f"{', '.join(COLUMNS[len(_NEEDED) :])}, {TAG}<name of a tag>"
        )


def _row(line: int, header: list[str], cells: list[str]) -> PriceRow:
    if len(cells) != len(header):
        why = FieldFault("row", f"has {len(cells)} cells, and the header {len(header)}")
        return PriceRow(line, cells[0], faults=(why,))
    given = {name: cell for name, cell in zip(header, cells, strict=True) if cell != ""}
    tags = {name.removeprefix(TAG): value for name, value in given.items() if name.startswith(TAG)}
    amounts: dict[str, str] = {name: given[name] for name in COUNTED if name in given}
    terms = Terms(given.get("currency", ""), amounts, given.get("per_inference"), given.get("cost_multiplier"))
    price = NewPrice(given.get("price_id", ""), given.get("model", ""), given.get("provider"), tags, terms)
    return checked(line, price)
