"""The SQL statements of sessions, one per file."""

from __future__ import annotations

from functools import partial

from registry.sql_files import read_sql

_read = partial(read_sql, __name__)

BEGIN = _read("begin")
FIND = _read("find")
END = _read("end")
END_ALL = _read("end_all")
OFFER = _read("offer")
TAKE = _read("take")
SWEEP = _read("sweep")
