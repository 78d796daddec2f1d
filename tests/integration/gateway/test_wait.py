"""Answers that wait for the gateway: of an end until it is refused there, of a new secret until it is accepted."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from gateways.tensorzero.append_hook import KeyTableHook
from gateways.tensorzero.key_table import GatewayTable
from keyledger.runtime.gateway import GatewayKeys
from keyledger.runtime.gateway_wait import NoWait, SyncWait
from keyledger.runtime.registry import registry_on
from keyledger.settings import Settings
from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from registry.queries import GatewayProgress, Queries
from tests.support.api.service import assert_problem, open_api
from tests.support.gateway import rules
from tests.support.gateway.key_table import make_table
from tests.support.gateway.syncing import World, running
from tests.support.servers.databases import Database

KEYS = "/admin/api-keys"
READY, PENDING = "ready", "pending"


class CountingQueries(Queries):
    """Counts the looks at how far the sync is."""

    looks = 0

    async def gateways_synced(self) -> list[GatewayProgress]:
        """See Queries."""
        self.looks += 1
        return await super().gateways_synced()


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
    async with open_api(database, clickhouse, names, gateway=lambda queries: SyncWait(queries, 0.2, 0)) as api:
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
    async with open_api(database, clickhouse, names, gateway=lambda queries: SyncWait(queries, 0.2, 0)) as api:
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
        answer = await api.call("POST", KEYS, json={})
        made = answer.json()
        assert answer.headers["keyledger-gateway"] == READY
        assert await verdicts(database, [made["api_key"]]) == ["valid"]
        answer = await api.call("DELETE", f"{KEYS}/{made['public_id']}", params={"wait_for": "gateway"})
        assert answer.status_code == 200
        assert await verdicts(database, [made["api_key"]]) == ["disabled"]


async def test_a_new_secret_is_accepted_at_once_when_its_answer_says_ready(
    database: Database, clickhouse: ClickHouse, names: Names, gateway: Database, table: GatewayTable,
    engine: AsyncEngine,
) -> None:  # fmt: skip
    async with open_api(database, clickhouse, names, gateway=SyncWait) as api:
        world = World(api.services.registry.log, engine, table)  # type: ignore[arg-type]
        async with running(world.sync()):
            for number in range(30):
                made = await api.call("POST", KEYS, json={})
                verdict = await verdicts(gateway, [made.json()["api_key"]])
                assert (made.headers["keyledger-gateway"], verdict) == (READY, ["valid"]), number
            rotate = f"{KEYS}/{made.json()['public_id']}/rotate"
            for number in range(3):
                rotated = await api.call("POST", rotate, json={"overlap_s": 0})
                verdict = await verdicts(gateway, [rotated.json()["api_key"]])
                assert (rotated.headers["keyledger-gateway"], verdict) == (READY, ["valid"]), number


async def test_without_a_sync_new_secrets_are_given_all_the_same_and_one_look_serves_all_that_wait(
    database: Database, clickhouse: ClickHouse, names: Names, engine: AsyncEngine
) -> None:
    counting = CountingQueries(engine)
    wait = SyncWait(counting, new_key_s=0.4, poll_s=0.1)
    async with open_api(database, clickhouse, names, gateway=lambda _queries: wait) as api:
        made = await asyncio.gather(*(api.call("POST", KEYS, json={}) for _ in range(40)))
        rotated = await api.call("POST", f"{KEYS}/{made[0].json()['public_id']}/rotate", json={"compromised": True})
        assert {(one.status_code, one.headers["keyledger-gateway"]) for one in [*made, rotated]} == {(201, PENDING)}
        assert counting.looks < 20


async def test_a_log_that_does_not_answer_any_more_holds_up_a_new_secret_no_longer_than_the_setting(
    database: Database, clickhouse: ClickHouse, names: Names, table: GatewayTable, engine: AsyncEngine
) -> None:
    async with open_api(database, clickhouse, names) as api, database.connect() as other:
        position = (await api.make_key())["position"]
        async with other.transaction():
            await other.execute("LOCK TABLE keyledger.gateway_sync")  # the look hangs
            async with asyncio.timeout(1):
                settings = Settings(gateway_wait_s=0.1)
                wait = registry_on(api.services.registry.log, engine, settings, GatewayKeys(table, None)).gateway_wait
                assert wait is not None
                assert not await wait.ready(position)


async def test_without_a_gateway_no_answer_speaks_of_one(
    database: Database, clickhouse: ClickHouse, names: Names
) -> None:
    async with open_api(database, clickhouse, names) as api:
        assert "keyledger-gateway" not in (await api.call("POST", KEYS, json={})).headers
