"""The bill, over HTTP."""

import pytest

from tests.support.contracts.bill_contract import *  # noqa: F403 - the suite

pytestmark = pytest.mark.xdist_group("clickhouse-http")
