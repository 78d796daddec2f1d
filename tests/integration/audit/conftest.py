"""Books of a test's own."""

from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from projections.clickhouse import ClickHouse
from projections.ddl import Names
from registry.postgres import PostgresEventLog
from tests.databases import Database
from tests.integration.audit.books_world import Tampered, make_books


@pytest.fixture
async def tampered(
    postgres_log: PostgresEventLog, engine: AsyncEngine, database: Database, clickhouse: ClickHouse, names: Names
) -> Tampered:
    """Healthy books of some 150 events."""
    return await make_books(postgres_log, engine, database, clickhouse, names, edits=100)
