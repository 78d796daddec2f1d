"""A registry with a gateway beside it, whose keys it does not know yet."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from tests.support.audit.ledger_world import open_ledger
from tests.support.gateway.gateway_keys import GatewayKeys
from tests.support.gateway.importer import Importer, open_importer
from tests.support.servers.copies import Copies
from tests.support.servers.databases import Database


@pytest.fixture
async def gateway(blank: Copies) -> AsyncIterator[GatewayKeys]:
    """The gateway's database, of the test's own, with its table."""
    made = GatewayKeys(await blank.take())
    await made.create()
    yield made
    blank.drop(made.database)


@pytest.fixture
async def importer(
    database: Database, clickhouse: ClickHouse, names: Names, gateway: GatewayKeys
) -> AsyncIterator[Importer]:
    """The operator's app on fresh databases, whose settings name the gateway's."""
    async with open_ledger(database, clickhouse, names) as ledger, open_importer(ledger, database, gateway) as made:
        yield made
