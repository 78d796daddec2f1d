"""A way through the session's broker, on a fresh log, topic and ledger."""

from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from registry.log.postgres import PostgresEventLog
from tests.support.kafka_world import Way
from tests.support.servers.broker import Broker


@pytest.fixture
def way(
    broker: Broker,
    topic: str,
    postgres_log: PostgresEventLog,
    engine: AsyncEngine,
    clickhouse: ClickHouse,
    names: Names,
) -> Way:
    """Everything is there, nothing runs."""
    return Way(postgres_log, engine, broker.bootstrap_servers, topic, clickhouse, names)
