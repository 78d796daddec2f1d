"""Files are loaded into the embedded engine alone."""

from __future__ import annotations

import pytest

from tests.support.bill_world import World
from tests.support.loading import Loading


@pytest.fixture
def loading(world: World) -> Loading:
    """An empty ledger in this process, and the means to load files into it."""
    if not world.clickhouse.embedded:
        pytest.skip("KEYLEDGER_TEST_CLICKHOUSE_URL names a server, whose own tools load into it")
    return Loading(world)
