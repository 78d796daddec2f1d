"""What the suites ask for, on the oldest engine that is supported. It is skipped where that can't be had."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from tests.support.ledger.prepared import PreparedLedger
from tests.support.servers.broker import missing_service
from tests.support.servers.clickhouse import running_front
from tests.support.servers.engine_25_8 import python_25_8
from tests.support.servers.environments import CannotInstall


@pytest.fixture(scope="session")
def clickhouse_25_8_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The HTTP front over the engine of ClickHouse 25.8. Where that can't be had: skipped, and a failure if CI=true."""
    try:
        python = python_25_8()
    except CannotInstall as error:
        missing_service(str(error))
    with running_front(tmp_path_factory.mktemp("clickhouse") / "front", python=python) as front:
        yield front.url


@pytest.fixture(scope="session")
async def clickhouse(clickhouse_25_8_url: str) -> AsyncIterator[ClickHouse]:
    """The client of the server."""
    made = ClickHouse(clickhouse_25_8_url)
    yield made
    await made.close()


@pytest.fixture(scope="session")
async def prepared(clickhouse: ClickHouse) -> AsyncIterator[PreparedLedger]:
    """The databases that `names` gives to one test after another; dropped at the end."""
    made = PreparedLedger(clickhouse, Names("ledger_25_8", "gateway_25_8"))
    yield made
    await made.drop()
