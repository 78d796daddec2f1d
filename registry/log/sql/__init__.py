"""The SQL statements of the log's database, one per file, exactly as PostgreSQL receives them."""

from __future__ import annotations

from functools import partial

from registry.sql_files import read_sql

_read = partial(read_sql, __name__)


STREAM_VIEWS = _read("stream_views")
APPEND = _read("append")
READ = _read("read")
HASHES = _read("hashes")
HEAD = _read("head")
READ_STREAMS = _read("read_streams")
RIVALS = _read("rivals")
ACCEPTED_CLOCK = _read("accepted_clock")
