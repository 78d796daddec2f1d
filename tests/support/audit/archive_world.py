"""Archives for tests: written from a log, read back, restored into databases of their own."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.archive.export import export_lines
from audit.archive.manifest import Manifest
from audit.archive.reader import open_archive
from audit.archive.restore import Restored, restore
from audit.archive.secret_hashes import read_hashes
from audit.archive.writer import ArchiveContent, Chunks, write_archive
from registry.db.connection import make_engine
from registry.log.event_log import EventLog
from tests.support.servers.databases import Database

EXPORTED_AT = datetime(2026, 3, 1, tzinfo=UTC)
STATE = {
    "key_state": "SELECT * FROM keyledger.key_state ORDER BY stream",
    "credential": "SELECT * FROM keyledger.credential ORDER BY credential_id",
    "admin_token": "SELECT * FROM keyledger.admin_token ORDER BY stream",
}


async def export_to(
    path: Path, log: EventLog, until: int | None = None, *, secrets_of: AsyncEngine | None = None
) -> Manifest:
    """Archive a log up to a position, its head by default, with the hashes of secrets when their pool is given."""
    last = (await log.head()).position if until is None else until
    hashes = None if secrets_of is None else hash_lines(log, secrets_of, last)
    return await write_archive(path, ArchiveContent(log.log_id, export_lines(log, last), hashes), EXPORTED_AT)


async def hash_lines(log: EventLog, engine: AsyncEngine, until: int) -> Chunks:
    """The lines of the secrets' hashes."""
    page = await read_hashes(log, engine, 0, until, until)
    assert page.position == until
    yield b"".join(msgspec.json.encode(one) + b"\n" for one in page.hashes)


async def restore_into(database: Database, path: Path) -> Restored:
    """Restore as the owner."""
    owner = make_engine(database.owner_url)
    try:
        return await restore(owner, open_archive(path))
    finally:
        await owner.dispose()


async def state_rows(database: Database) -> dict[str, list[Any]]:
    """All rows of current state."""
    async with database.connect() as owner:
        return {table: [dict(row) for row in await owner.fetch(query)] for table, query in STATE.items()}


async def assert_untouched(database: Database, log_id: UUID) -> None:
    """As it was after its migration, with its guards."""
    assert await state_rows(database) == {"key_state": [], "credential": [], "admin_token": []}
    async with database.connect() as owner:
        assert await owner.fetchval("SELECT count(*) FROM keyledger.event") == 0
        assert await owner.fetchval("SELECT log_id FROM keyledger.log_identity") == log_id
    await assert_guarded(database)


async def assert_guarded(database: Database) -> None:
    """Not even the owner changes the log's identity."""
    async with database.connect() as owner:
        with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError):
            await owner.execute("UPDATE keyledger.log_identity SET log_id = gen_random_uuid()")


async def id_of(database: Database) -> UUID:
    """The id of a database's log."""
    async with database.connect() as owner:
        found: UUID = await owner.fetchval("SELECT log_id FROM keyledger.log_identity")
        return found
