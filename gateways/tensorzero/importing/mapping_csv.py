"""A mapping as CSV (RFC 4180): a header `public_id,<tag>,<tag>…`, one row per key; an empty cell is no tag. Pure."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO
from typing import Final

from gateways.tensorzero.importing.mapping import MappingRefused, TagMapping
from registry.keys.tags import name_fault

MAX_COLUMNS: Final = 1025
_ID: Final = "public_id"


def read_csv(text: str, mapping: TagMapping) -> None:
    """Add the rows to the mapping, with faults by the line where their row begins. Raises MappingRefused."""
    rows = _rows(text)
    _, header = next(rows, (1, []))
    names = _names(header)
    for line, cells in rows:
        if len(cells) != len(header):
            mapping.refuse(line, "row", f"has {len(cells)} cells, and the header {len(header)}", cells[0])
            continue
        mapping.add(line, cells[0], ((name, cell) for name, cell in zip(names, cells[1:], strict=True) if cell))


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Rows that have a cell, and the line where each begins: a quoted cell may span several lines."""
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            # What follows may be the inside of a cell. The module's message is its own text and quotes nothing from the
            # file.
            raise MappingRefused(f"is not CSV from line {line} on: {error}") from error
        if cells:
            yield line, cells


def _names(header: list[str]) -> list[str]:
    if not header or header[0] != _ID:
        raise MappingRefused(f"must begin with a header in UTF-8: {_ID},<tag>,<tag>…")
    if len(header) > MAX_COLUMNS:
        raise MappingRefused(f"has {len(header)} columns, of at most {MAX_COLUMNS}")
    names = header[1:]
    for number, name in enumerate(names, 2):
        if why := name_fault(name):
            raise MappingRefused(f"has a bad header: the name of column {number} {why}")
        if name in names[: number - 2]:
            raise MappingRefused(f"has a bad header: column {number} has the name of an earlier one")
    return names
