"""The SQL statements of the tag policy, one per file."""

from __future__ import annotations

from functools import partial

from registry.sql_files import read_sql

_read = partial(read_sql, __name__)

CURRENT = _read("current")
KEYS = _read("keys")
