"""Going back to an earlier version: refused with both schema versions while nothing is changed, never with a trace."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
import pytest

from keyledger.embedded.postgresql.supervisor import EmbeddedPostgres
from registry.db.schema_version import SCHEMA_VERSION
from tests.support.processes.forked import run_forked
from tests.support.processes.initialised import InitialisedFolder
from tests.support.processes.registry_process import RegistryProcess
from tests.support.servers.databases import Database, plain

REFUSAL = f"has schema version 0042, and this version of Keyledger knows none after {SCHEMA_VERSION}: use the version"


async def set_version(url: str, version: str) -> None:
    """Make the database one that another version has migrated."""
    connection = await asyncpg.connect(plain(url))
    await connection.execute("UPDATE keyledger.alembic_version SET version_num = $1", version)
    await connection.close()


async def test_a_folder_of_a_later_version_is_refused_and_opens_with_that_one(
    tmp_path: Path, initialised: InitialisedFolder
) -> None:
    registry = await initialised.registry(tmp_path / "data")
    with EmbeddedPostgres(registry.folder / "postgres") as postgres:
        await set_version(postgres.owner_url, "0042")
    for command in (("up", "--port", "0"), ("status",), ("keys", "list")):
        await assert_refused(registry, *command)
    with EmbeddedPostgres(registry.folder / "postgres") as postgres:
        await set_version(postgres.owner_url, SCHEMA_VERSION)  # as a later version would find its own
    code, _, err = await registry.ask("status")
    assert code == 0, err


async def assert_refused(registry: RegistryProcess, *command: str) -> None:
    """One line that says why, and nothing else of ours runs afterwards."""
    code, out, err = await registry.ask(*command)
    said = [line for line in err.splitlines() if line.startswith("keyledger: ")]
    assert (code, out, len(said)) == (1, "", 1), err
    assert REFUSAL in said[0]
    assert "Traceback" not in err
    assert not registry.postmasters()


async def test_no_part_starts_on_a_database_of_a_later_version(tmp_path: Path, database: Database) -> None:
    await set_version(database.owner_url, "0042")
    environ = {
        "KEYLEDGER_DATABASE_URL": plain(database.app_url),
        "KEYLEDGER_MIGRATION_DATABASE_URL": plain(database.owner_url),
        "KEYLEDGER_CLICKHOUSE_URL": f"chdb://{tmp_path / 'clickhouse'}",
        "KEYLEDGER_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    }
    commands = (("migrate",), ("serve", "--port", "0"), ("project", "clickhouse"), ("publish",), ("status",))
    for code, out, err in await asyncio.gather(*(run_forked(*command, environ=environ) for command in commands)):
        assert (code, out) == (1, ""), err
        assert REFUSAL in err
        assert "Traceback" not in err


@pytest.mark.long
async def test_what_a_later_version_left_in_clickhouse_is_made_as_this_one_knows_it(
    tmp_path: Path, initialised: InitialisedFolder
) -> None:
    registry = await initialised.registry(tmp_path / "data")
    await registry.start()
    for command in (
        ("keys", "create", "--tag", "customer_id:acme"),
        ("sql", "DROP TABLE keyledger.key_life_v1 SYNC"),
        ("sql", "CREATE TABLE keyledger.key_life_v9 (later Int64) ENGINE = MergeTree ORDER BY later"),
        ("sql", "CREATE OR REPLACE VIEW keyledger.key_life AS SELECT later FROM keyledger.key_life_v9"),
    ):
        code, _, err = await registry.ask(*command)
        assert code == 0, err
    assert await registry.stop() == 0
    await registry.start()
    await registry.applied_all()
    assert await registry.json("sql", "SELECT count() AS keys FROM keyledger.key_life") == [{"keys": 1}]
    assert await registry.stop() == 0
