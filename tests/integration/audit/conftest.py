"""Books of a test's own, and logs to archive and restore: copies of what the session filled once."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from registry.log.postgres import PostgresEventLog
from tests.support.audit.books_world import Tampered, open_books
from tests.support.audit.filled import Filled, Filling
from tests.support.audit.gateway_world import Kept, keep
from tests.support.audit.ledger_world import Ledger, open_ledger
from tests.support.ledger.prepared import PreparedLedger
from tests.support.servers.copies import Copies
from tests.support.servers.databases import Database, Server


@pytest.fixture(scope="session")
async def filling(
    server: Server, template: Database, clickhouse: ClickHouse, prepared: PreparedLedger
) -> AsyncIterator[Filling]:
    """What is filled when the first test asks for it."""
    made = Filling(server, template, clickhouse, prepared)
    yield made
    await made.close()


@pytest.fixture
async def original(request: pytest.FixtureRequest, filling: Filling) -> Filled | None:
    """What the test's database is a copy of, by the fixture that it asks for; None: an empty log."""
    if "tampered" in request.fixturenames:
        return await filling.books(edits=100)
    if "small_books" in request.fixturenames:
        return await filling.books(edits=25, described=True)
    return await filling.log() if "filled" in request.fixturenames else None


@pytest.fixture
def copies(original: Filled | None, migrated: Copies) -> Copies:
    """See the root's."""
    return migrated if original is None else original.copies


@pytest.fixture
async def tampered(
    postgres_log: PostgresEventLog, engine: AsyncEngine, database: Database, clickhouse: ClickHouse, names: Names,
    filling: Filling, original: Filled,
) -> Tampered:  # fmt: skip
    """Healthy books, the log up to HEAD."""
    await filling.restore(original)
    return open_books(postgres_log, engine, database, clickhouse, names)


@pytest.fixture
async def small_books(
    postgres_log: PostgresEventLog, engine: AsyncEngine, database: Database, clickhouse: ClickHouse, names: Names,
    filling: Filling, original: Filled,
) -> Tampered:  # fmt: skip
    """Healthy books, small ones: where the rows are few and the changes many. One key is described, and has ended."""
    await filling.restore(original)
    return open_books(postgres_log, engine, database, clickhouse, names)


@pytest.fixture(params=["own", pytest.param("shared", marks=pytest.mark.long)])
async def kept(
    request: pytest.FixtureRequest, small_books: Tampered, postgres_log: PostgresEventLog, engine: AsyncEngine,
    blank: Copies,
) -> AsyncIterator[Kept]:  # fmt: skip
    """Healthy books with the table in a database of its own, and in the log's; for most tests that is the same."""
    async with keep(small_books, postgres_log, engine, blank, shared=request.param == "shared") as made:
        yield made


@pytest.fixture
async def apart(
    small_books: Tampered, postgres_log: PostgresEventLog, engine: AsyncEngine, blank: Copies
) -> AsyncIterator[Kept]:
    """Healthy books with the table in a database of its own, where it can lag."""
    async with keep(small_books, postgres_log, engine, blank, shared=False) as made:
        yield made


@pytest.fixture
async def ledger(database: Database, clickhouse: ClickHouse, names: Names) -> AsyncIterator[Ledger]:
    """The API with its ledger, on fresh databases."""
    async with open_ledger(database, clickhouse, names) as made:
        yield made


@pytest.fixture
async def empty(migrated: Copies) -> AsyncIterator[Database]:
    """A second database, migrated and empty."""
    fresh = await migrated.take()
    yield fresh
    migrated.drop(fresh)


@pytest.fixture
def filled(postgres_log: PostgresEventLog) -> PostgresEventLog:
    """A log with keys and tokens, some ended."""
    return postgres_log
