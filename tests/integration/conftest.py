"""A ClickHouse for the session, by the first step that is possible, and an empty ledger in it for each test."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator

import pytest

from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from tests.support.bill_world import World
from tests.support.ledger.prepared import PreparedLedger
from tests.support.servers.clickhouse import Front, given_server, running_front


@pytest.fixture(scope="session")
def clickhouse_server_url() -> Iterator[str | None]:
    """The server that KEYLEDGER_TEST_CLICKHOUSE_URL names, else a container, else none."""
    with given_server() as url:
        yield url


@pytest.fixture(scope="session")
def clickhouse_url(clickhouse_server_url: str | None, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The server, else the embedded engine in this process."""
    return clickhouse_server_url or f"chdb://{tmp_path_factory.mktemp('clickhouse')}"


@pytest.fixture(scope="session")
def clickhouse_front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """The HTTP front over the embedded engine, in a process of its own. Its answers can be broken on demand."""
    with running_front(tmp_path_factory.mktemp("clickhouse") / "front") as front:
        yield front


@pytest.fixture(scope="session")
def clickhouse_http_url(clickhouse_server_url: str | None, request: pytest.FixtureRequest) -> str:
    """The server, else the front."""
    if clickhouse_server_url is not None:
        return clickhouse_server_url
    front: Front = request.getfixturevalue("clickhouse_front")
    return front.url


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
