"""Books of a test's own, and logs to archive and restore."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from registry.log.postgres import PostgresEventLog
from registry.service import TokenService
from tests.support.audit.books_world import Tampered, make_books
from tests.support.audit.gateway_world import Kept, keep
from tests.support.audit.ledger_world import Ledger, open_ledger
from tests.support.ledger.workload import OPERATOR, fill
from tests.support.servers.databases import Database, Server


@pytest.fixture
async def tampered(
    postgres_log: PostgresEventLog, engine: AsyncEngine, database: Database, clickhouse: ClickHouse, names: Names
) -> Tampered:
    """Healthy books, the log up to HEAD."""
    return await make_books(postgres_log, engine, database, clickhouse, names, edits=100)


@pytest.fixture
async def small_books(
    postgres_log: PostgresEventLog, engine: AsyncEngine, database: Database, clickhouse: ClickHouse, names: Names
) -> Tampered:
    """Healthy books, small ones: where the rows are few and the changes many."""
    return await make_books(postgres_log, engine, database, clickhouse, names, edits=25)


@pytest.fixture(params=["own", "shared"])
async def kept(
    request: pytest.FixtureRequest, small_books: Tampered, postgres_log: PostgresEventLog, engine: AsyncEngine,
    server: Server,
) -> AsyncIterator[Kept]:  # fmt: skip
    """Healthy books with the table in a database of its own, and in the log's."""
    async with keep(small_books, postgres_log, engine, server, shared=request.param == "shared") as made:
        yield made


@pytest.fixture
async def apart(
    small_books: Tampered, postgres_log: PostgresEventLog, engine: AsyncEngine, server: Server
) -> AsyncIterator[Kept]:
    """Healthy books with the table in a database of its own, where it can lag."""
    async with keep(small_books, postgres_log, engine, server, shared=False) as made:
        yield made


@pytest.fixture
async def ledger(database: Database, clickhouse: ClickHouse, names: Names) -> AsyncIterator[Ledger]:
    """The API with its ledger, on fresh databases."""
    async with open_ledger(database, clickhouse, names) as made:
        yield made


@pytest.fixture
async def empty(server: Server, template: Database) -> AsyncIterator[Database]:
    """A second database, migrated and empty."""
    fresh = await server.copy(template.name)
    yield fresh
    await server.drop(fresh)


@pytest.fixture
async def filled(postgres_log: PostgresEventLog) -> PostgresEventLog:
    """A log with keys and tokens, some ended."""
    tokens = TokenService(postgres_log)
    finance, _ = await tokens.create("finance", ("billing:read",), OPERATOR)
    await tokens.create("Büro für Schlüssel", ("keys:read", "keys:write"), OPERATOR)
    await fill(postgres_log, seed=21, count=60)
    await tokens.revoke(finance.token_id, OPERATOR)
    return postgres_log
