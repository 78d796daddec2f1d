"""What an archive gives back: the same log, the same state, the same bills; and nothing at all from a damaged one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from registry.handle import Tokens
from registry.postgres import PostgresEventLog, open_log
from tests.databases import Database, Server
from tests.integration.audit.archive_world import export_to, restore_into, state_rows
from tests.integration.test_projector import OPERATOR, fill


@pytest.fixture
async def empty(server: Server, template: Database) -> AsyncIterator[Database]:
    """A second database, migrated and empty."""
    fresh = await server.copy(template.name)
    yield fresh
    await server.drop(fresh)


@pytest.fixture
async def filled(postgres_log: PostgresEventLog) -> PostgresEventLog:
    """A log with keys and tokens, some ended."""
    tokens = Tokens(postgres_log)
    finance, _ = await tokens.create("finance", ("billing:read",), OPERATOR)
    await tokens.create("Büro für Schlüssel", ("keys:read", "keys:write"), OPERATOR)
    await fill(postgres_log, seed=21, count=60)
    await tokens.revoke(finance.token_id, OPERATOR)
    return postgres_log


async def test_a_restored_registry_is_the_same_to_the_byte(
    filled: PostgresEventLog, engine: AsyncEngine, database: Database, empty: Database, tmp_path: Path
) -> None:
    head = await filled.head()
    manifest = await export_to(tmp_path / "first", filled, secrets_of=engine)
    restored = await restore_into(empty, tmp_path / "first")
    assert (restored.log_id, restored.position, restored.hash) == (str(filled.log_id), head.position, head.hash.hex())
    assert (restored.keys_without_secret, restored.tokens_without_secret, restored.tokens) == (0, 0, 2)
    assert await state_rows(empty) == await state_rows(database)
    async with empty.engine() as other:
        log = await open_log(other)
        again = await export_to(tmp_path / "second", log, secrets_of=other)
        await log.close()
    assert again == manifest
    for name in ("events.ndjson", "credentials.ndjson", "manifest.json"):
        assert (tmp_path / "second" / name).read_bytes() == (tmp_path / "first" / name).read_bytes()
