"""The gateway's table in the log's own database: appends write that table too, and an import changes nothing in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from keyledger.gateway_keys import GatewayKeys as Gateway
from keyledger.web import operator_app
from projections.clickhouse import ClickHouse
from projections.ddl import Names
from projections.gateway.beside import GatewayBeside
from projections.gateway.table import GatewayTable
from tests.databases import Database
from tests.gateway_keys import GatewayKeys, MadeKey, many_keys
from tests.integration.audit.ledger_world import open_ledger
from tests.integration.gateway.conftest import everything, make_table
from tests.integration.importing.importer import Importer


@pytest.fixture
async def shared(
    database: Database, engine: AsyncEngine, clickhouse: ClickHouse, names: Names
) -> AsyncIterator[Importer]:
    """The operator's app where both share a database."""
    await make_table(database)
    gateway = Gateway(GatewayTable(engine), GatewayBeside("public"))
    async with open_ledger(database, clickhouse, names) as ledger:
        app = operator_app(replace(ledger.api.services, gateway=gateway))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://operator") as client:
            yield Importer(client, ledger, database, GatewayKeys(database))


async def test_the_gateways_rows_stay_as_they_were_to_the_last_transaction(shared: Importer) -> None:
    await shared.gateway.add(*many_keys(2500))
    before = await everything(shared.database)
    assert (await shared.apply()).result["imported"] == 2500
    assert await everything(shared.database) == before


async def test_a_key_disabled_in_the_future_is_disabled_from_now_on_in_both(shared: Importer) -> None:
    future = datetime.now(UTC) + timedelta(days=1)
    await shared.gateway.add(MadeKey("AAAAAAAAAAA1", disabled_at=future))
    await shared.apply()
    (row,) = await shared.gateway.rows()
    assert row["disabled_at"] < datetime.now(UTC)
    assert (await shared.key("AAAAAAAAAAA1"))["status"] == "revoked"
