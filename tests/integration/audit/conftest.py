"""Books of a test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from projections.clickhouse import ClickHouse
from projections.ddl import Names
from registry.postgres import PostgresEventLog
from tests.databases import Database
from tests.integration.audit.books_world import Tampered, make_books
from tests.integration.audit.ledger_world import Ledger, open_ledger


@pytest.fixture
async def tampered(
    postgres_log: PostgresEventLog, engine: AsyncEngine, database: Database, clickhouse: ClickHouse, names: Names
) -> Tampered:
    """Healthy books, the log up to HEAD."""
    return await make_books(postgres_log, engine, database, clickhouse, names, edits=100)


@pytest.fixture
async def ledger(database: Database, clickhouse: ClickHouse, names: Names) -> AsyncIterator[Ledger]:
    """The API with its ledger, on fresh databases."""
    async with open_ledger(database, clickhouse, names) as made:
        yield made
