"""The SQL statements of an export and an import on the log's database, one per file."""

from __future__ import annotations

from functools import partial

from registry.sql_files import read_sql

_read = partial(read_sql, __name__)

SECRET_HASHES = _read("secret_hashes")
RESTORE_BEGIN = _read("restore_begin")
RESTORE_FOUND = _read("restore_found")
RESTORE_IDENTITY = _read("restore_identity")
RESTORE_OTHERS = _read("restore_others")
RESTORE_FOLD = _read("restore_fold")
RESTORE_CHECKPOINTS = _read("restore_checkpoints")
RESTORE_END = _read("restore_end")
RESTORE_COUNTS = _read("restore_counts")
