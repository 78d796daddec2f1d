"""The gateway's table in the log's own database: its rows are there when the API answers, or nothing is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from gateways.tensorzero.append_hook import KeyTableHook, is_same_database
from gateways.tensorzero.key_table import WRITE_LOCK, GatewayTable
from keyledger.runtime.gateway import GatewayPlace, gateway_place, open_gateway, same_url
from keyledger.settings import Settings
from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from registry.db.connection import make_engine
from registry.log.postgres import PostgresEventLog
from registry.tokens.service import NewToken
from tests.support.api.service import Api, open_api
from tests.support.gateway.key_table import FOREIGN, everything, make_table
from tests.support.gateway.rules import check
from tests.support.gateway.syncing import OPERATOR, World, running
from tests.support.servers.databases import Database

KEYS = "/admin/api-keys"


@pytest.fixture
async def shared(database: Database) -> Database:
    """The log's database, with the gateway's table and a key of the gateway's own in it."""
    await make_table(database)
    async with database.connect() as owner:
        await owner.execute(FOREIGN)
    return database


@pytest.fixture
async def api(shared: Database, clickhouse: ClickHouse) -> AsyncIterator[Api]:
    """The API, as it is where both share a database."""
    async with open_api(shared, clickhouse, Names(), KeyTableHook("public")) as made:
        yield made


async def test_each_change_is_in_the_gateway_s_table_when_it_is_answered(api: Api, shared: Database) -> None:
    """No sync runs here."""
    (foreign,) = await everything(shared)
    async with shared.connect() as gateway:
        for _ in range(5):
            made = await api.make_key()
            assert await check(gateway, made["api_key"]) == "valid"
            await api.call("DELETE", f"{KEYS}/{made['public_id']}")
            assert await check(gateway, made["api_key"]) == "disabled"
    assert foreign in await everything(shared)


async def test_many_at_once_are_all_there(api: Api, shared: Database) -> None:
    made = await asyncio.gather(*(api.make_key(description=str(number)) for number in range(30)))
    await asyncio.gather(*(api.call("DELETE", f"{KEYS}/{one['public_id']}") for one in made[:15]))
    async with shared.connect() as gateway:
        verdicts = [await check(gateway, one["api_key"]) for one in made]
    assert verdicts == ["disabled"] * 15 + ["valid"] * 15


@pytest.mark.parametrize(
    "broken",
    [
        "REVOKE INSERT, UPDATE ON tensorzero_auth_api_key FROM {role}",
        "ALTER TABLE tensorzero_auth_api_key RENAME TO gone",
        "ALTER TABLE tensorzero_auth_api_key DROP COLUMN expires_at",
        "ALTER TABLE tensorzero_auth_api_key ADD CONSTRAINT no CHECK (description IS DISTINCT FROM 'refused')",
    ],
)
async def test_an_append_that_can_not_be_written_there_is_none(
    api: Api, shared: Database, broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    made = await api.make_key()
    head = await api.head()
    async with shared.connect() as owner:
        role = await _role(shared)
        await owner.execute(broken.format(role=role))
    refused = [
        await api.call("POST", KEYS, json={"description": "refused"}),
        await api.patch(made["public_id"], {"description": "refused"}),
    ]
    assert [one.status_code for one in refused] == [503, 503]
    assert all("so nothing was changed" in one.json()["detail"] for one in refused)
    assert refused[0].headers["retry-after"] == "10"
    assert await api.head() == head
    async with shared.connect() as owner:
        assert await owner.fetchval("SELECT count(*) FROM keyledger.key_state") == 1
        assert await owner.fetchval("SELECT count(*) FROM keyledger.credential") == 1
    assert (await api.call("GET", f"{KEYS}/{made['public_id']}")).json()["description"] is None
    told = [one.getMessage() for one in caplog.records if one.levelno == logging.ERROR]
    assert len(told) == 2
    assert all(
        one.startswith("nothing was appended, because the gateway's table of keys can't be written: ") for one in told
    )
    assert "sk-t0-" not in caplog.text


async def test_after_a_failure_the_registry_goes_on(api: Api, shared: Database) -> None:
    async with shared.connect() as owner:
        await owner.execute("ALTER TABLE tensorzero_auth_api_key RENAME TO gone")
        assert (await api.call("POST", KEYS, json={})).status_code == 503
        await owner.execute("ALTER TABLE gone RENAME TO tensorzero_auth_api_key")
        made = await api.make_key()
        assert await check(owner, made["api_key"]) == "valid"


async def test_what_changes_no_key_does_not_need_the_gateway(api: Api, shared: Database) -> None:
    async with shared.connect() as owner:
        await owner.execute("DROP TABLE tensorzero_auth_api_key")
    token = (await api.services.registry.tokens.create(NewToken("t", ("keys:read",)), OPERATOR)).token
    assert token.name == "t"


async def test_a_writer_that_does_not_end_holds_an_append_no_longer_than_the_lock_may_take(
    api: Api, shared: Database
) -> None:
    async with shared.connect() as owner:
        async with owner.transaction():
            await owner.execute(f"SELECT pg_advisory_xact_lock({WRITE_LOCK})")
            assert (await api.call("POST", KEYS, json={})).status_code == 503
        assert (await api.call("POST", KEYS, json={})).status_code == 201


async def test_a_sync_beside_it_finds_all_done_and_repairs_what_others_change(api: Api, shared: Database) -> None:
    log, engine = api.services.registry.log, api.services.registry.engine
    assert isinstance(log, PostgresEventLog)
    world = World(log, engine, GatewayTable(engine))
    made = await api.make_key()
    await api.call("DELETE", f"{KEYS}/{made['public_id']}")
    before = await everything(shared)
    async with running(world.sync()), shared.connect() as owner:
        await world.synced()
        assert await everything(shared) == before
        await owner.execute("UPDATE tensorzero_auth_api_key SET disabled_at = NULL WHERE public_id <> 'Foreign00001'")
        await world.until(drift_repaired=1)
        assert await check(owner, made["api_key"]) == "disabled"
        # Appends and comparisons write in turns: none is lost, and none is taken for drift.
        many = await asyncio.gather(*(api.make_key() for _ in range(20)))
        await asyncio.gather(*(api.call("DELETE", f"{KEYS}/{one['public_id']}") for one in many))
        assert {await check(owner, one["api_key"]) for one in many} == {"disabled"}
        await world.synced()
        assert {await check(owner, one["api_key"]) for one in many} == {"disabled"}
    assert (await world.checkpoint())["drift_repaired"] == 1


async def test_the_same_database_is_known_by_whatever_url(shared: Database, bare_gateway: Database) -> None:
    """By another role and another name of the host, too; and another database of the same server is another."""
    engines = [
        make_engine(url)
        for url in (shared.app_url, shared.owner_url.replace("127.0.0.1", "localhost"), bare_gateway.app_url)
    ]
    log, same, other = engines
    assert await is_same_database(log, same)
    assert not await is_same_database(log, other)
    for engine in engines:
        await engine.dispose()


@pytest.mark.parametrize(
    ("which", "is_shared"), [("shared", True), ("other", False), ("away", False), ("wrong", False)]
)
async def test_where_the_rows_are_written_is_found_when_a_process_starts(
    shared: Database, bare_gateway: Database, which: str, is_shared: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """A gateway that is away stops nobody: then the sync alone writes."""
    urls = {
        "shared": shared.owner_url,
        "other": bare_gateway.app_url,
        "away": "postgresql+asyncpg://a:b@127.0.0.1:1/gateway",
        "wrong": bare_gateway.app_url.replace(":", ":wrong", 2).replace(":wrong//", "://"),
    }
    engine = make_engine(shared.app_url)
    async with open_gateway(GatewayPlace(urls[which], "public"), engine, shared.app_url) as opened:
        assert opened is not None
        assert (opened.append_hook is not None) is is_shared
    await engine.dispose()
    assert ("does not answer" in caplog.text) is (which in {"away", "wrong"})


def test_sockets_in_two_folders_are_two_servers() -> None:
    url = "postgresql+asyncpg://one:secret@/keyledger?host=%2Fone"
    assert same_url(url, url.replace("one:secret", "two:secret"))
    assert not same_url(url, url.replace("%2Fone", "%2Ftwo"))


async def test_without_the_setting_there_is_no_gateway(shared: Database) -> None:
    engine = make_engine(shared.app_url)
    async with open_gateway(gateway_place(Settings()), engine, shared.app_url) as opened:
        assert opened is None
    await engine.dispose()


async def _role(database: Database) -> str:
    async with database.connect(owner=False) as connection:
        return str(await connection.fetchval("SELECT current_user"))
