"""One statement or several, over HTTP, on ClickHouse 25.8."""

import pytest

from tests.support.contracts.statement_contract import *  # noqa: F403 - the suite

# The first test may have to wait for an installation.
pytestmark = [pytest.mark.xdist_group("clickhouse-25-8"), pytest.mark.timeout(600)]
