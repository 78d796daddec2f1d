"""Odd names and values, over HTTP."""

import pytest

from tests.support.contracts.odd_names_contract import *  # noqa: F403 - the suite

pytestmark = pytest.mark.xdist_group("clickhouse-http")
