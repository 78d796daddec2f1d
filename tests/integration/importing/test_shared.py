"""The gateway's table in the log's own database: appends write that table too, and an import changes nothing in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from gateways.tensorzero.append_hook import KeyTableHook
from gateways.tensorzero.key_table import GatewayTable
from keyledger.http.app import operator_app
from keyledger.runtime.gateway import GatewayKeys as Gateway
from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from registry.log.append.writer import APPEND_LOCK
from tests.support.audit.ledger_world import open_ledger
from tests.support.gateway.gateway_keys import GatewayKeys, MadeKey, many_keys
from tests.support.gateway.importer import Importer
from tests.support.gateway.key_table import everything, make_table
from tests.support.servers.databases import Database


@pytest.fixture
async def shared(
    database: Database, engine: AsyncEngine, clickhouse: ClickHouse, names: Names
) -> AsyncIterator[Importer]:
    """The operator's app where both share a database."""
    await make_table(database)
    gateway = Gateway(GatewayTable(engine), KeyTableHook("public"))
    async with open_ledger(database, clickhouse, names) as ledger:
        services = ledger.api.services
        app = operator_app(replace(services, registry=replace(services.registry, gateway=gateway)))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://operator") as client:
            yield Importer(client, ledger, database, GatewayKeys(database))


async def test_the_gateways_rows_stay_as_they_were_to_the_last_transaction(shared: Importer) -> None:
    await shared.gateway.add(*many_keys(2500))
    before = [(xmin, *row) for xmin, _xmax, *row in await everything(shared.database)]
    assert (await shared.apply()).result["imported"] == 2500
    # `xmax` says that they were held meanwhile.
    assert [(xmin, *row) for xmin, _xmax, *row in await everything(shared.database)] == before


async def test_a_key_disabled_in_the_future_is_disabled_from_now_on_in_both(shared: Importer) -> None:
    future = datetime.now(UTC) + timedelta(days=1)
    await shared.gateway.add(MadeKey("AAAAAAAAAAA1", disabled_at=future))
    await shared.apply()
    (row,) = await shared.gateway.rows()
    assert row["disabled_at"] < datetime.now(UTC)
    assert (await shared.key("AAAAAAAAAAA1"))["status"] == "revoked"


async def test_a_key_that_is_disabled_while_it_is_imported_does_not_come_back(shared: Importer) -> None:
    """Whoever disables it waits until the log has it: what was read is what is imported, and the end is not undone."""
    await shared.gateway.add(*many_keys(600))
    disable = "UPDATE tensorzero_auth_api_key SET disabled_at = now() WHERE public_id = 'many00000001'"
    async with shared.database.connect() as holder, shared.database.connect() as other:
        await holder.execute("SELECT pg_advisory_lock($1)", APPEND_LOCK)
        importing = asyncio.create_task(shared.apply())
        await _until_waiting(holder, "advisory", importing)
        disabling = asyncio.create_task(other.execute(disable))
        await _until_waiting(holder, "transactionid", importing)
        assert await shared.events() == []
        await holder.execute("SELECT pg_advisory_unlock($1)", APPEND_LOCK)
        assert (await importing).result["imported"] == 600
        await disabling
    row = {one["public_id"]: one for one in await shared.gateway.rows()}["many00000001"]
    assert row["disabled_at"] is not None


async def _until_waiting(driver: Any, locktype: str, importing: asyncio.Task[Any]) -> None:
    """Return when somebody waits for a lock of that kind."""
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = $1 AND NOT granted"
    async with asyncio.timeout(30):
        while not await driver.fetchval(waiting, locktype):
            await asyncio.wait({importing}, timeout=0.01)
