"""The ledger in ClickHouse, over HTTP."""

import pytest

from tests.support.contracts.clickhouse_contract import *  # noqa: F403 - the suite

pytestmark = pytest.mark.xdist_group("clickhouse-http")
