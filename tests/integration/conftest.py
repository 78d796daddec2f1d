"""A ClickHouse for the session, embedded unless a server is named, and fresh databases in it for each test."""

from __future__ import annotations

import itertools
import os
from collections.abc import AsyncIterator

import pytest

from projections import ddl
from projections.clickhouse import ClickHouse
from projections.ddl import Names
from tests.bill_world import World

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
async def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ClickHouse]:
    """One engine per session: embedded, a process has room for one."""
    url = os.environ.get("KEYLEDGER_TEST_CLICKHOUSE_URL") or f"chdb://{tmp_path_factory.mktemp('clickhouse')}"
    made = ClickHouse(url)
    yield made
    await made.close()


@pytest.fixture
async def names(clickhouse: ClickHouse) -> AsyncIterator[Names]:
    """Fresh databases, with every object in them; dropped after the test."""
    number = f"{os.getpid()}_{next(_numbers)}"
    made = Names(database=f"ledger_{number}", gateway=f"gateway_{number}")
    await ddl.apply(clickhouse, made, gateway_tables=True, durable=False)
    yield made
    for database in (made.database, made.gateway):
        await clickhouse.command(f"DROP DATABASE {database}")


@pytest.fixture
async def world(clickhouse: ClickHouse, names: Names) -> World:
    """Fresh databases, and the means to fill them."""
    return World(clickhouse, names)
