"""The API of a test's own, whose app has the console."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from tests.support.api.service import Api, open_api
from tests.support.servers.databases import Database


@pytest.fixture
async def api(database: Database, clickhouse: ClickHouse) -> AsyncIterator[Api]:
    """The API on a fresh log, without a ledger in ClickHouse."""
    async with open_api(database, clickhouse, Names()) as made:
        yield made
