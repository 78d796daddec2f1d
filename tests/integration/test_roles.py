"""The log can't be changed: not by the application's role, and not even by the owner of the tables."""

from __future__ import annotations

import asyncpg
import pytest

from registry.log.postgres import PostgresEventLog
from tests.support.contracts.writes import new_key, read_all
from tests.support.servers.databases import Database

CHANGES = [
    "UPDATE keyledger.{table} SET {column} = {column}",
    "DELETE FROM keyledger.{table}",
    "TRUNCATE keyledger.{table}",
]
LOG = {"event": "reason", "log_identity": "created_at"}


@pytest.mark.parametrize("table", LOG)
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.split()[0])
async def test_the_log_can_not_be_changed(
    database: Database, postgres_log: PostgresEventLog, table: str, change: str
) -> None:
    await postgres_log.write(new_key("k" * 12))
    before = await read_all(postgres_log)
    statement = change.format(table=table, column=LOG[table])
    async with database.connect(owner=False) as application:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await application.execute(statement)
    async with database.connect() as owner:
        with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError, match="append-only"):
            await owner.execute(statement)
        await owner.execute("SET session_replication_role = replica")
        with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError, match="append-only"):
            await owner.execute(statement)
    assert await read_all(postgres_log) == before


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE keyledger.event DISABLE TRIGGER ALL",
        "DROP TABLE keyledger.event",
        "CREATE TABLE keyledger.mine (x int)",
        "CREATE TABLE public.mine (x int)",
        "DROP FUNCTION keyledger.refuse_change() CASCADE",
        "SET session_replication_role = replica",
        "INSERT INTO keyledger.log_identity SELECT * FROM keyledger.log_identity",
        "UPDATE keyledger.credential SET secret_hash = ''",
        "DELETE FROM keyledger.credential",
        "DELETE FROM keyledger.key_state",
        "DELETE FROM keyledger.admin_token",
        "DELETE FROM keyledger.last_verify",
        "TRUNCATE keyledger.heartbeat",
        "UPDATE keyledger.alembic_version SET version_num = ''",
    ],
)
async def test_the_application_has_no_right_that_it_does_not_need(database: Database, statement: str) -> None:
    async with database.connect(owner=False) as application:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await application.execute(statement)
