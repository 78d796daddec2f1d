"""What the suites ask for, over HTTP. Of every fixture that lasts for the session, this folder has its own."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest

from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from tests.support.ledger.prepared import PreparedLedger


@pytest.fixture(scope="session")
async def clickhouse(clickhouse_http_url: str) -> AsyncIterator[ClickHouse]:
    """The client of the server."""
    made = ClickHouse(clickhouse_http_url)
    yield made
    await made.close()


@pytest.fixture(scope="session")
async def prepared(clickhouse: ClickHouse) -> AsyncIterator[PreparedLedger]:
    """The databases that `names` gives to one test after another; dropped at the end."""
    made = PreparedLedger(clickhouse, Names(f"http_ledger_{os.getpid()}", f"http_gateway_{os.getpid()}"))
    yield made
    await made.drop()
