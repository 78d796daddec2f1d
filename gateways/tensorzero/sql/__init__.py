"""The SQL statements of the sync, one per file: on the gateway's table, and on the log's database."""

from __future__ import annotations

from functools import partial

from registry.sql_files import fill, read_sql

_read = partial(read_sql, __name__)


def at(schema: str, name: str) -> str:
    """A statement on the gateway's table in a schema, whose name is a plain identifier."""
    quoted = f'"{schema}"'
    differing = fill(_read("key_table/differing"), schema=quoted).strip()
    return fill(_read(f"key_table/{name}"), schema=quoted, differing=differing).strip()


KEYS = _read("log/keys")
STREAMS = _read("log/streams")
CHANGED = _read("log/changed")
HASHES = _read("log/hashes")
CHECKPOINT_TAKE = _read("checkpoint/take")
CHECKPOINT_MOVE = _read("checkpoint/move")
CHECKPOINT_FAIL = _read("checkpoint/fail")
CHECKPOINT_DRIFT = _read("checkpoint/drift")
CHECKPOINT_LOOKED = _read("checkpoint/looked")
CHECKPOINT_FORGET = _read("checkpoint/forget")
