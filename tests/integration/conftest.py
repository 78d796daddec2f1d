"""A ClickHouse for the session, by the first step that is possible, and an empty ledger in it for each test."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from tenacity import Retrying, stop_after_delay, wait_fixed

from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from tests.support.bill_world import World
from tests.support.ledger.prepared import PreparedLedger
from tests.support.servers.docker import container
from tests.support.servers.images import CLICKHOUSE as IMAGE


@pytest.fixture(scope="session")
def clickhouse_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server that KEYLEDGER_TEST_CLICKHOUSE_URL names, else a container, else the embedded engine."""
    given = os.environ.get("KEYLEDGER_TEST_CLICKHOUSE_URL")
    if given:
        yield given
        return
    # As a server is before anybody sets it up: its dictionaries read as `default`, which must have no password.
    with container(IMAGE, 8123, {"CLICKHOUSE_SKIP_USER_SETUP": "1"}) as place:
        if place is None:
            yield f"chdb://{tmp_path_factory.mktemp('clickhouse')}"
            return
        host, port = place
        for attempt in Retrying(stop=stop_after_delay(60), wait=wait_fixed(0.2), reraise=True):
            with attempt:
                httpx.get(f"http://{host}:{port}/ping").raise_for_status()
        yield f"http://default@{host}:{port}"


@pytest.fixture(scope="session")
async def clickhouse(clickhouse_url: str) -> AsyncIterator[ClickHouse]:
    """One engine per session: embedded, a process has room for one."""
    made = ClickHouse(clickhouse_url)
    yield made
    await made.close()


@pytest.fixture(scope="session")
async def prepared(clickhouse: ClickHouse) -> AsyncIterator[PreparedLedger]:
    """The databases that `names` gives to one test after another; dropped at the end."""
    made = PreparedLedger(clickhouse, Names(f"ledger_{os.getpid()}", f"gateway_{os.getpid()}"))
    yield made
    await made.drop()


@pytest.fixture
async def names(prepared: PreparedLedger) -> Names:
    """Two databases with every object in them and no row."""
    return await prepared.take()


@pytest.fixture
async def world(clickhouse: ClickHouse, names: Names) -> World:
    """Fresh databases, and the means to fill them."""
    return World(clickhouse, names)
