"""`wait_for=gateway`: who revokes a key is answered when the gateway refuses it, or told that it is not so yet."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from gateways.tensorzero.append_hook import KeyTableHook
from gateways.tensorzero.key_table import GatewayTable
from keyledger.runtime.gateway_wait import NoWait, SyncWait
from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from tests.support.api.service import assert_problem, open_api
from tests.support.gateway import rules
from tests.support.gateway.key_table import make_table
from tests.support.gateway.syncing import World, running
from tests.support.servers.databases import Database

KEYS = "/admin/api-keys"


async def verdicts(gateway: Database, texts: list[str]) -> list[str]:
    """What the gateway says of keys right now."""
    async with gateway.connect() as driver:
        return [await rules.check(driver, text) for text in texts]


@pytest.mark.parametrize("end", ["key", "credential", "suspend"])
async def test_the_answer_comes_when_the_gateway_refuses_the_key(
    database: Database, clickhouse: ClickHouse, names: Names, gateway: Database, table: GatewayTable,
    engine: AsyncEngine, end: str,
) -> None:  # fmt: skip
    async with open_api(database, clickhouse, names, gateway=SyncWait) as api:
        world = World(api.services.registry.log, engine, table)  # type: ignore[arg-type]
        async with running(world.sync()):
            keys = [await api.make_key() for _ in range(10)]
            await world.synced()
            texts = [key["api_key"] for key in keys]
            assert set(await verdicts(gateway, texts)) == {"valid"}

            async def stop(key: dict[str, Any]) -> str:
                path = {"key": "", "credential": f"/credentials/{key['public_id']}", "suspend": "/suspend"}[end]
                method, query = "POST" if end == "suspend" else "DELETE", {"wait_for": "gateway"}
                answer = await api.call(method, f"{KEYS}/{key['public_id']}{path}", params=query)
                assert answer.status_code == 200, answer.text
                return (await verdicts(gateway, [key["api_key"]]))[0]

            assert set(await asyncio.gather(*map(stop, keys))) == {"disabled"}


async def test_what_takes_too_long_is_told_to_be_made_and_a_repeat_waits_again(
    database: Database, clickhouse: ClickHouse, names: Names, table: GatewayTable, engine: AsyncEngine
) -> None:
    async with open_api(database, clickhouse, names, gateway=lambda queries: SyncWait(queries, 0.2)) as api:
        made = await api.make_key()
        path, query = f"{KEYS}/{made['public_id']}", {"wait_for": "gateway"}
        for position in (made["position"] + 1, made["position"] + 1):  # no sync runs
            answer = await api.call("DELETE", path, params=query)
            assert_problem(answer, 503)
            assert (answer.headers["retry-after"], answer.headers["keyledger-position"]) == ("1", str(position))
            assert f"the change is made and stays: position {position} holds it" in answer.json()["detail"]
            assert "no sync has run yet" in answer.json()["detail"]
        assert (await api.call("GET", path)).json()["status"] == "revoked"
        assert await api.head() == made["position"] + 1
        world = World(api.services.registry.log, engine, table)  # type: ignore[arg-type]
        async with running(world.sync()):
            await world.synced()
            assert (await api.call("DELETE", path, params=query)).status_code == 200


async def test_a_repeat_waits_for_the_keys_own_last_change_alone(
    database: Database, clickhouse: ClickHouse, names: Names, table: GatewayTable, engine: AsyncEngine
) -> None:
    async with open_api(database, clickhouse, names, gateway=lambda queries: SyncWait(queries, 0.2)) as api:
        made = await api.make_key()
        path, query = f"{KEYS}/{made['public_id']}", {"wait_for": "gateway"}
        await api.call("DELETE", path)
        world = World(api.services.registry.log, engine, table)  # type: ignore[arg-type]
        async with running(world.sync()):
            await world.synced()
        await api.make_key()  # which no sync follows any more
        assert (await api.call("DELETE", path, params=query)).status_code == 200


async def test_in_one_database_it_is_so_already_though_no_sync_runs(
    database: Database, clickhouse: ClickHouse, names: Names
) -> None:
    await make_table(database)
    append_hook = KeyTableHook("public")
    async with open_api(database, clickhouse, names, append_hook, gateway=lambda _queries: NoWait()) as api:
        made = await api.make_key()
        answer = await api.call("DELETE", f"{KEYS}/{made['public_id']}", params={"wait_for": "gateway"})
        assert answer.status_code == 200
        assert await verdicts(database, [made["api_key"]]) == ["disabled"]
