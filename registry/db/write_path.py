"""Whether changes can be recorded now: what a load balancer wants to know of a process that takes them."""

from __future__ import annotations

from typing import Final

from asyncpg import PostgresError
from sqlalchemy.ext.asyncio import AsyncEngine

from registry.db.causes import is_not_migrated
from registry.db.connection import fetch
from registry.db.schema_version import SCHEMA_VERSION
from registry.errors import DatabaseAway
from registry.sql_files import read_sql

_SQL: Final = read_sql("registry.db.sql", "write_path")


async def write_path_fault(engine: AsyncEngine) -> str | None:
    """Why nothing can be appended, with what to do; None where all is well. Raises Busy if the database is away.

    A later schema is none: parts that run go on after a migration.
    """
    try:
        (row,) = await fetch(engine, _SQL)
    except (DatabaseAway, PostgresError) as error:
        if is_not_migrated(error):
            return "the log's database has no log that this version can read: run keyledger migrate"
        raise
    if row["is_standby"]:
        return "the log's database is a standby, which takes no change: name the primary in KEYLEDGER_DATABASE_URL"
    if row["is_read_only"]:
        return "the log's database is set to read only (default_transaction_read_only): turn that off"
    if row["schema_version"] is None or row["schema_version"] < SCHEMA_VERSION:
        found = row["schema_version"] or "none"
        return f"the log's database has schema version {found}, older than {SCHEMA_VERSION}: run keyledger migrate"
    if not row["may_insert"]:
        return "the role of KEYLEDGER_DATABASE_URL may not append to the log: run keyledger migrate, which grants it"
    return None
