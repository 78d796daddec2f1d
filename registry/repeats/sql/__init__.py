"""The SQL statements of kept answers, one per file."""

from __future__ import annotations

from typing import Final

from registry.sql_files import fill, read_sql

# How long an answer is kept, as PostgreSQL has it.
KEPT: Final = "24 hours"


def _read(name: str) -> str:
    return fill(read_sql(__name__, name), kept=KEPT)


FIND = _read("find")
KEEP = _read("keep")
KNOWN = _read("known")
SWEEP = _read("sweep")
