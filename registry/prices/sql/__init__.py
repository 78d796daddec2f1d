"""The SQL statements that read the price book, one per file."""

from __future__ import annotations

from functools import partial

from registry.sql_files import read_sql

_read = partial(read_sql, __name__)

PRICE = _read("price")
PRICES = _read("prices")
