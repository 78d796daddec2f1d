"""A TOML of prices: a table for each, named by its price_id. Amounts may be numbers: they are taken as written."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from registry.errors import FieldFault
from registry.prices.importing.rows import FileRefused, PriceRow, Wanted, checked, is_meant
from registry.prices.terms import NewPrice, Terms

_TEXTS: Final = ("model", "provider", "currency")
_AMOUNTS: Final = ("per_inference", "cost_multiplier")
_TABLES: Final = ("tags", "per_million")
_HEADER: Final = re.compile(r"\s*\[\s*(?:\"([^\"]*)\"|'([^']*)'|([A-Za-z0-9_-]+))\s*\]")


def read_toml(text: str, wanted: Wanted) -> Iterator[PriceRow]:
    """The prices. Raises FileRefused for what is no TOML."""
    try:
        tables = tomllib.loads(text, parse_float=str)
    except (ValueError, RecursionError) as error:
        raise FileRefused(f"is no TOML: {error}") from error
    lines = _lines(text)
    for price_id, table in tables.items():
        line = lines.get(price_id, 1)
        if not isinstance(table, dict):
            yield PriceRow(line, price_id, faults=(FieldFault("row", f"must be a table: [{price_id}]"),))
        elif faults := tuple(_faults(table)):
            yield PriceRow(line, price_id, faults=faults)
        elif is_meant(row := checked(line, _price(price_id, table)), wanted):
            yield row


def _faults(table: Mapping[str, Any]) -> Iterator[FieldFault]:
    for name, value in table.items():
        if name in _TABLES:
            if not isinstance(value, dict):
                yield FieldFault(name, "must be a table of names and values")
            elif not all(_is_plain(one) for one in value.values()):
                yield FieldFault(name, "must have texts or numbers as values")
        elif name not in (*_TEXTS, *_AMOUNTS):
            yield FieldFault(name, f"must be one of {', '.join((*_TEXTS, *_TABLES, *_AMOUNTS))}")
        elif not _is_plain(value):
            yield FieldFault(name, "must be a text or a number")


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _price(price_id: str, table: Mapping[str, Any]) -> NewPrice:
    def text(name: str) -> str | None:
        return str(table[name]) if name in table else None

    amounts, tags = ({k: str(v) for k, v in table.get(name, {}).items()} for name in ("per_million", "tags"))
    terms = Terms(text("currency") or "", amounts, text("per_inference"), text("cost_multiplier"))
    return NewPrice(price_id, text("model") or "", text("provider"), tags, terms)


def _lines(text: str) -> dict[str, int]:
    """Where each table begins, by its name: the parser does not say."""
    found: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if match := _HEADER.match(line):
            found.setdefault(next(name for name in match.groups() if name is not None), number)
    return found
