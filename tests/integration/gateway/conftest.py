"""A gateway's database of the test's own: its table, a row that is not ours, and a pool of the sync's role."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from gateways.tensorzero.key_table import GatewayTable
from registry.db.connection import make_engine
from registry.log.postgres import PostgresEventLog
from tests.support.gateway.key_table import FOREIGN, make_table
from tests.support.gateway.syncing import World
from tests.support.servers.copies import Copies
from tests.support.servers.databases import Database


@pytest.fixture
async def bare_gateway(blank: Copies) -> AsyncIterator[Database]:
    """A database of its own in which no gateway has made a table yet."""
    made = await blank.take()
    yield made
    blank.drop(made)


@pytest.fixture
async def gateway(bare_gateway: Database) -> Database:
    """A gateway's database, with a key that the gateway made itself."""
    await make_table(bare_gateway)
    async with bare_gateway.connect() as owner:
        await owner.execute(FOREIGN)
    return bare_gateway


@pytest.fixture
async def gateway_engine(bare_gateway: Database) -> AsyncIterator[AsyncEngine]:
    """A pool of the sync's role."""
    engine = make_engine(bare_gateway.app_url)
    yield engine
    await engine.dispose()


@pytest.fixture
def table(gateway: Database, gateway_engine: AsyncEngine) -> GatewayTable:
    """The gateway's table, as the sync has it."""
    assert gateway
    return GatewayTable(gateway_engine)


@pytest.fixture
def world(postgres_log: PostgresEventLog, engine: AsyncEngine, table: GatewayTable) -> World:
    """A log in one database, and the gateway's table in another."""
    return World(postgres_log, engine, table)
