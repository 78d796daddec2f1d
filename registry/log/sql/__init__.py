"""The SQL statements of the log's database, one per file, exactly as PostgreSQL receives them."""

from __future__ import annotations

from functools import partial

from registry.repeats.sql import KEPT
from registry.sql_files import fill, read_sql

_read = partial(read_sql, __name__)


STREAM_VIEWS = _read("stream_views")
APPEND = fill(_read("append"), kept=KEPT)
READ = _read("read")
HASHES = _read("hashes")
HEAD = _read("head")
READ_STREAMS = _read("read_streams")
RIVALS = _read("rivals")
REBUILT = _read("rebuilt")
ACCEPTED_CLOCK = _read("accepted_clock")
