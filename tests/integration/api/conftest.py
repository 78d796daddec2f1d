"""The public API: one of each test's own, and one that is shared by the tests whose requests are all refused."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest

from projections.engine import ddl
from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from tests.support.api.service import Api, open_api
from tests.support.servers.databases import Database, Server


@pytest.fixture
async def api(database: Database, clickhouse: ClickHouse) -> AsyncIterator[Api]:
    """The API on a fresh log, without a ledger in ClickHouse."""
    async with open_api(database, clickhouse, Names()) as made:
        yield made


@pytest.fixture(scope="session")
async def shared_api(server: Server, template: Database, clickhouse: ClickHouse) -> AsyncIterator[Api]:
    """The API with its ledger, for requests that change nothing."""
    names = Names(f"ledger_api_{os.getpid()}", f"gateway_api_{os.getpid()}")
    await ddl.apply(clickhouse, names, gateway_tables=True, durable=False)
    database = await server.copy(template.name)
    async with open_api(database, clickhouse, names) as made:
        yield made
    await server.drop(database)
    for name in (names.database, names.gateway):
        await clickhouse.command(f"DROP DATABASE {name}")


@pytest.fixture(scope="session")
async def keys(shared_api: Api) -> dict[str, str]:
    """The ids of the shared API's keys, by what they are."""
    active = await shared_api.make_key(tags={"customer_id": "acme"})
    revoked = await shared_api.make_key()
    await shared_api.call("DELETE", f"/admin/api-keys/{revoked['public_id']}")
    return {"active": active["public_id"], "revoked": revoked["public_id"]}


@pytest.fixture
async def other_api(api: Api, database: Database, clickhouse: ClickHouse) -> AsyncIterator[Api]:
    """Another process on the same database, which knows the tokens of the first."""
    async with open_api(database, clickhouse, Names()) as made:
        yield Api(made.app, made.client, made.services, api.tokens, api.token_ids)
