"""The migrations make the declared tables, whole, however often and by however many they are run."""

from __future__ import annotations

import asyncio
import re
from importlib.resources import files
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from registry.db.migrate import migrate
from registry.db.schema_version import SCHEMA_VERSION
from registry.db.tables import SCHEMA, metadata
from registry.errors import SchemaTooNew
from registry.log.postgres import open_log
from tests.support.contracts.writes import note
from tests.support.servers.databases import Database, Server

SHAPE = """
SELECT string_agg(line, E'\\n' ORDER BY line)
FROM (
    SELECT format('%s.%s %s %s %s', table_name, column_name, data_type, is_nullable, column_default) AS line
    FROM information_schema.columns
    WHERE table_schema = 'keyledger'
    UNION ALL
    SELECT format('%s %s %s', grantee, table_name, privilege_type)
    FROM information_schema.role_table_grants
    WHERE table_schema = 'keyledger'
    UNION ALL
    SELECT pg_get_triggerdef(oid)
    FROM pg_trigger
    WHERE NOT tgisinternal
    UNION ALL
    SELECT pg_get_constraintdef(oid)
    FROM pg_constraint
    WHERE connamespace = 'keyledger'::regnamespace
) AS lines (line)
"""


async def shape(database: Database) -> str:
    """Columns, grants, triggers and constraints as text."""
    async with database.connect() as owner:
        text: str = await owner.fetchval(SHAPE)
    return text


def differences(connection: Connection) -> list[Any]:
    """What would have to be migrated to get the declared tables."""
    options = {
        "include_schemas": True,
        "version_table_schema": SCHEMA,
        "compare_server_default": True,
        "include_name": lambda name, kind, _parents: kind != "schema" or name == SCHEMA,
    }
    context = MigrationContext.configure(connection, opts=options)
    found: list[Any] = compare_metadata(context, metadata)
    return found


async def test_the_migrated_tables_are_the_declared_ones(database: Database) -> None:
    # An owner that is called as the schema has it as its default one, which Alembic would not compare.
    engine = create_async_engine(database.owner_url, connect_args={"server_settings": {"search_path": "public"}})
    async with engine.connect() as connection:
        found = await connection.run_sync(differences)
    await engine.dispose()
    assert found == []


async def test_migrating_again_changes_nothing_and_keeps_the_log(database: Database) -> None:
    async with database.engine() as engine:
        log = await open_log(engine)
        await log.write(note("one"))
        before = await shape(database)
        await migrate(database.owner_url, database.app_url)
        assert await shape(database) == before
        assert (await log.write(note("one"))).position == 2
        again = await open_log(engine)
        assert again.log_id == log.log_id
        await log.close()


async def test_migrations_that_run_at_once_make_one_log(server: Server, database: Database) -> None:
    empty = await server.copy()
    await asyncio.gather(*(migrate(empty.owner_url, empty.app_url) for _ in range(4)))
    assert await shape(empty) == await shape(database)
    async with empty.connect() as owner:
        assert await owner.fetchval("SELECT count(*) FROM keyledger.log_identity") == 1
    await server.drop(empty)


async def test_every_log_has_an_id_of_its_own(server: Server, database: Database) -> None:
    other = await server.migrated()
    async with database.engine() as one, other.engine() as two:
        assert (await open_log(one)).log_id != (await open_log(two)).log_id
    await server.drop(other)


def test_the_schema_version_is_that_of_the_last_migration() -> None:
    scripts = ScriptDirectory(str(files("registry.db") / "migrations"))
    assert scripts.get_heads() == [SCHEMA_VERSION]
    assert all(re.fullmatch("[0-9]{4}", one.revision) for one in scripts.walk_revisions()), "they are compared as text"


async def test_what_a_later_version_migrated_is_refused_with_both_versions_and_not_touched(database: Database) -> None:
    before = await shape(database)
    async with database.connect() as owner:
        await owner.execute("UPDATE keyledger.alembic_version SET version_num = '0042'")
    with pytest.raises(SchemaTooNew, match=f"schema version 0042, and this .* none after {SCHEMA_VERSION}"):
        await migrate(database.owner_url, database.app_url)
    async with database.engine() as engine:
        with pytest.raises(SchemaTooNew, match="0042"):
            await open_log(engine)
    assert await shape(database) == before
    async with database.connect() as owner:
        assert await owner.fetchval("SELECT version_num FROM keyledger.alembic_version") == "0042"
