"""The SQL statements of the log's database, one per file, exactly as PostgreSQL receives them."""

from __future__ import annotations

import re
from functools import cache, partial
from typing import Final

from registry.repeats.sql import KEPT
from registry.sql_files import fill, read_sql

_read = partial(read_sql, __name__)


STREAM_VIEWS = _read("stream_views")
READ = _read("read")
HASHES = _read("hashes")
HEAD = _read("head")
READ_STREAMS = _read("read_streams")
RIVALS = _read("rivals")
REBUILT = _read("rebuilt")
ACCEPTED_CLOCK = _read("accepted_clock")

_NUMBER: Final = re.compile(r"\$(\d+)")


@cache
def append(*tables: str) -> str:
    """The statement that appends a batch and saves rows in these tables, named as the files in `rows/`.

    Its arguments are those of `append.sql`, then those of each table.
    """
    frame = _read("append")
    count, rows = _arguments(frame), ""
    for table in tables:
        insert = _read(f"rows/{table}")
        rows += f",\nsaved_{table} AS (\n{_numbered_after(count, insert)})"
        count += _arguments(insert)
    return fill(frame.replace("{{rows}}", rows), kept=KEPT)


def _arguments(text: str) -> int:
    return max(int(number) for number in _NUMBER.findall(text))


def _numbered_after(count: int, text: str) -> str:
    return _NUMBER.sub(lambda found: f"${count + int(found[1])}", text)
