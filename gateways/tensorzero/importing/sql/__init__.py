"""The reads of the gateway's table, one per file."""

from __future__ import annotations

from registry.sql_files import fill, read_sql


def at(schema: str, name: str, lock: str = "") -> str:
    """A statement on the gateway's table in a schema, which is a plain identifier. `lock` is its locking clause."""
    return fill(read_sql(__name__, name), schema=f'"{schema}"', lock=lock)
