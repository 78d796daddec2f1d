"""The ledger in ClickHouse, on the engine in process."""

from tests.support.contracts.clickhouse_contract import *  # noqa: F403 - the suite
