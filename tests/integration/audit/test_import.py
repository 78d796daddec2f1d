"""What an archive gives back: the same log, the same state, the same bills; and where it may be restored."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.archive import reader as archive_reader
from audit.archive import restore_state
from audit.archive.reader import open_archive
from audit.archive.restore import restore
from audit.errors import NotEmpty, NotOwner, RegistryInUse
from projections.billing.bill import compute_bill
from projections.billing.query import BillQuery
from projections.engine import ddl
from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from projections.ledger.store import Store
from registry.auth import authenticate
from registry.db.connection import make_engine
from registry.errors import LogBroken, Unauthenticated
from registry.keys.secrets import issue_token
from registry.log.postgres import PostgresEventLog, open_log
from registry.queries import Queries
from registry.service import KeyService, NewKey
from registry.tokens.service import NewToken, TokenService
from tests.support.audit.archive_world import (
    assert_guarded,
    assert_untouched,
    export_to,
    id_of,
    restore_into,
    state_rows,
)
from tests.support.bill_world import World, chat, model, uuid7
from tests.support.ledger.projecting import catch_up
from tests.support.ledger.workload import OPERATOR
from tests.support.ledger_tables import contents
from tests.support.servers.databases import Database, Server, plain


async def test_a_restored_registry_is_the_same_to_the_byte(
    filled: PostgresEventLog, engine: AsyncEngine, database: Database, empty: Database, tmp_path: Path
) -> None:
    head = await filled.head()
    manifest = await export_to(tmp_path / "first", filled, secrets_of=engine)
    restored = await restore_into(empty, tmp_path / "first")
    assert (restored.log_id, restored.position, restored.hash) == (str(filled.log_id), head.position, head.hash.hex())
    assert (restored.keys_without_secret, restored.tokens_without_secret, restored.tokens) == (0, 0, 2)
    assert restored.keys == len((await state_rows(database))["key_state"])
    assert await state_rows(empty) == await state_rows(database)
    await assert_guarded(empty)
    async with empty.engine() as other:
        log = await open_log(other)
        again = await export_to(tmp_path / "second", log, secrets_of=other)
        await log.close()
    assert again == manifest
    for name in ("events.ndjson", "credentials.ndjson", "manifest.json"):
        assert (tmp_path / "second" / name).read_bytes() == (tmp_path / "first" / name).read_bytes()


@pytest.mark.parametrize("portions", [(1, 1, 1), (3, 2, 5), (7, 4, 1000)])
async def test_in_whatever_portions_it_is_the_same(
    filled: PostgresEventLog,
    engine: AsyncEngine,
    database: Database,
    empty: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    portions: tuple[int, int, int],
) -> None:
    page, streams, batch = portions
    monkeypatch.setattr(restore_state, "_PAGE", page)
    monkeypatch.setattr(restore_state, "_STREAMS_AT_ONCE", streams)
    monkeypatch.setattr(archive_reader.Archive.batches, "__defaults__", (batch,))
    await export_to(tmp_path / "a", filled, secrets_of=engine)
    await restore_into(empty, tmp_path / "a")
    assert await state_rows(empty) == await state_rows(database)


async def test_the_restored_log_goes_on(
    filled: PostgresEventLog, engine: AsyncEngine, empty: Database, tmp_path: Path
) -> None:
    issued = issue_token()
    await TokenService(filled).create(NewToken("auditor", ("audit:read",)), OPERATOR, issued)
    await export_to(tmp_path / "a", filled, secrets_of=engine)
    restored = await restore_into(empty, tmp_path / "a")
    async with empty.engine() as other:
        log, queries = await open_log(other), Queries(other)
        principal = await authenticate(f"Bearer {issued.text}", queries)
        assert principal.actor == f"token-{issued.id}"
        made = await KeyService(log, queries.public_id).create(NewKey({"customer_id": "later"}), OPERATOR)
        assert made.position == restored.position + 1
        (last,) = await log.read(restored.position, 10)
        assert last.recorded_at > (await filled.head()).recorded_at  # type: ignore[operator]
        await log.close()


async def test_without_the_hashes_all_is_there_and_nobody_can_log_in(
    filled: PostgresEventLog, database: Database, empty: Database, tmp_path: Path
) -> None:
    issued = issue_token()
    await TokenService(filled).create(NewToken("auditor", ("audit:read",)), OPERATOR, issued)
    await export_to(tmp_path / "a", filled)
    restored = await restore_into(empty, tmp_path / "a")
    assert restored.keys_without_secret == restored.keys == 15
    assert restored.tokens_without_secret == restored.tokens == 3
    source, here = await state_rows(database), await state_rows(empty)
    assert here["key_state"] == source["key_state"]
    for table in ("credential", "admin_token"):
        assert here[table] == [{**row, "secret_hash": None} for row in source[table]]
    async with empty.engine() as other:
        queries = Queries(other)
        credential = source["credential"][0]
        assert (await queries.key(credential["credential_id"]))[0].public_id == credential["public_id"]
        with pytest.raises(Unauthenticated):
            await authenticate(f"Bearer {issued.text}", queries)


async def test_bills_of_the_restored_registry_are_equal_to_the_cent(
    filled: PostgresEventLog,
    database: Database,
    empty: Database,
    clickhouse: ClickHouse,
    names: Names,
    world: World,
    tmp_path: Path,
) -> None:
    await export_to(tmp_path / "a", filled)
    await restore_into(empty, tmp_path / "a")
    head = (await filled.head()).position
    keys = [row["public_id"] for row in (await state_rows(database))["key_state"]]
    now_ms = int((await filled.head()).recorded_at.timestamp() * 1000)  # type: ignore[union-attr]
    ids = [uuid7(now_ms + number % 7, number) for number in range(len(keys) * 3)]
    await world.serve([chat(one, keys[number % len(keys)]) for number, one in enumerate(ids)])
    await world.serve([model(uuid7(now_ms, 1000 + number), one) for number, one in enumerate(ids)])
    other = Names(f"{names.database}_restored", names.gateway)
    await ddl.apply(clickhouse, other, gateway_tables=False, durable=False)
    await World(clickhouse, other).collect()
    await catch_up(filled, Store(clickhouse, names))
    async with empty.engine() as engine:
        log = await open_log(engine)
        await catch_up(log, Store(clickhouse, other))
        await log.close()
    assert await contents(clickhouse, other) == await contents(clickhouse, names)
    for known_at in (head, head // 2):
        question = BillQuery(
            group_by=("customer_id", "project_id", "model"),
            since=datetime.now(UTC) - timedelta(days=2),
            until=datetime.now(UTC) + timedelta(days=2),
            known_at=known_at,
        )
        bills = [await compute_bill(clickhouse, each, question, head) for each in (names, other)]
        assert bills[0] == bills[1]
        assert bills[0].lines
    await clickhouse.command(f"DROP DATABASE {other.database}")


async def test_an_empty_log_can_be_restored_and_its_prefix_too(
    filled: PostgresEventLog, engine: AsyncEngine, empty: Database, server: Server, template: Database, tmp_path: Path
) -> None:
    other = await server.copy(template.name)
    await export_to(tmp_path / "nothing", filled, 0, secrets_of=engine)
    await export_to(tmp_path / "some", filled, 30, secrets_of=engine)
    assert (await restore_into(empty, tmp_path / "nothing")).position == 0
    assert await id_of(empty) == filled.log_id
    restored = await restore_into(other, tmp_path / "some")
    assert (restored.position, restored.hash) == (30, (await filled.hashes([30]))[30].hex())
    assert restored.keys_without_secret == 0
    await server.drop(other)


async def test_a_registry_with_events_is_never_restored_into(
    filled: PostgresEventLog, database: Database, engine: AsyncEngine, empty: Database, tmp_path: Path
) -> None:
    await export_to(tmp_path / "a", filled, secrets_of=engine)
    before = await state_rows(database)
    with pytest.raises(NotEmpty):
        await restore_into(database, tmp_path / "a")
    assert await state_rows(database) == before
    await restore_into(empty, tmp_path / "a")
    with pytest.raises(NotEmpty):
        await restore_into(empty, tmp_path / "a")


async def test_a_log_that_was_published_and_then_lost_is_not_empty(
    filled: PostgresEventLog, empty: Database, tmp_path: Path
) -> None:
    await export_to(tmp_path / "a", filled)
    insert = (
        "INSERT INTO keyledger.relay_checkpoint (topic, log_id, position, hash, updated_at) "
        "VALUES ('t', gen_random_uuid(), $1, '', now())"
    )
    async with empty.connect() as owner:
        await owner.execute(insert, 5)
        with pytest.raises(NotEmpty):
            await restore_into(empty, tmp_path / "a")
        await owner.execute("UPDATE keyledger.relay_checkpoint SET position = 0")
        await restore_into(empty, tmp_path / "a")
        assert await owner.fetchval("SELECT count(*) FROM keyledger.relay_checkpoint") == 0


async def test_who_has_the_registry_open_keeps_it_from_being_restored(
    filled: PostgresEventLog, empty: Database, tmp_path: Path
) -> None:
    await export_to(tmp_path / "a", filled)
    log_id = await id_of(empty)
    serving = await asyncpg.connect(plain(empty.app_url), server_settings={"application_name": "keyledger"})
    with pytest.raises(RegistryInUse):
        await restore_into(empty, tmp_path / "a")
    await assert_untouched(empty, log_id)
    restoring = asyncio.create_task(restore_into(empty, tmp_path / "a"))
    await serving.close()
    assert (await restoring).position == (await filled.head()).position


async def test_only_the_owner_of_a_migrated_database_restores(
    filled: PostgresEventLog, empty: Database, server: Server, tmp_path: Path
) -> None:
    await export_to(tmp_path / "a", filled)
    log_id, bare = await id_of(empty), await server.copy()
    app = make_engine(empty.app_url)
    with pytest.raises(NotOwner, match="KEYLEDGER_MIGRATION_DATABASE_URL"):
        await restore(app, open_archive(tmp_path / "a"))
    await app.dispose()
    with pytest.raises(LogBroken, match="keyledger migrate"):
        await restore_into(bare, tmp_path / "a")
    await server.drop(bare)
    await assert_untouched(empty, log_id)


WAITS = """
SELECT count(*)
FROM pg_locks
WHERE NOT granted
  AND relation = 'keyledger.key_state'::regclass
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
OPEN = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


async def until(owner: Any, query: str, count: int) -> None:
    """Return when the server says so."""
    async with asyncio.timeout(60):
        while await owner.fetchval(query) != count:  # noqa: ASYNC110 - what is waited for is in a database
            await asyncio.sleep(0.02)


async def test_an_import_that_was_killed_in_the_middle_left_nothing_and_is_done_again(
    filled: PostgresEventLog, engine: AsyncEngine, database: Database, empty: Database, tmp_path: Path
) -> None:
    await export_to(tmp_path / "a", filled, secrets_of=engine)
    log_id = await id_of(empty)
    command = (sys.executable, "-m", "keyledger.cli", "audit", "import", str(tmp_path / "a"), "--json")
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("KEYLEDGER_")},
        "KEYLEDGER_DATABASE_URL": empty.app_url,
        "KEYLEDGER_MIGRATION_DATABASE_URL": empty.owner_url,
    }
    async with empty.connect() as owner:
        async with owner.transaction():
            await owner.execute("LOCK TABLE keyledger.key_state IN SHARE MODE")  # all events are copied, no state is
            process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, env=environ)
            await until(owner, WAITS, 1)
            process.kill()
            await process.wait()
        await until(owner, OPEN, 0)
        await assert_untouched(empty, log_id)
    again = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, env=environ)
    out, _ = await again.communicate()
    assert again.returncode == 0
    assert json.loads(out)["position"] == (await filled.head()).position
    assert await state_rows(empty) == await state_rows(database)
