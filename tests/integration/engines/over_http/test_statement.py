"""One statement or several, over HTTP."""

import pytest

from tests.support.contracts.statement_contract import *  # noqa: F403 - the suite

pytestmark = pytest.mark.xdist_group("clickhouse-http")
