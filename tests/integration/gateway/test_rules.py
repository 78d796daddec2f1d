"""Conformance: keys made over our API are judged by the gateway's own rules, in a shared database and in its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateways.tensorzero.append_hook import KeyTableHook
from gateways.tensorzero.checkpoint import SyncCheckpoint
from gateways.tensorzero.key_states import KeyStateReader
from gateways.tensorzero.key_table import GatewayTable
from gateways.tensorzero.sync import GatewaySync
from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from registry.instant import format_ms, parse_instant
from registry.log.postgres import PostgresEventLog
from tests.support.api.service import Api, open_api
from tests.support.gateway.key_table import make_table
from tests.support.gateway.rules import DECODABLE, InvalidFormat, Verdict, check, listed, parse
from tests.support.gateway.syncing import QUICK, World, running
from tests.support.servers.databases import Database

KEYS = "/admin/api-keys"
MS = timedelta(milliseconds=1)
SECRET = "a" * 48
COLUMNS = {"created_at": "created_at", "expires_at": "expiration", "disabled_at": "revoked_at"}


@dataclass
class Gate:
    """The API, and the gateway's view of its keys; `world` where a sync brings them there."""

    api: Api
    driver: Any
    world: World | None

    async def verdict(self, text: str, now: datetime | None = None) -> Verdict:
        """What the gateway says of a key when it has all that was answered."""
        await self.settle()
        return await check(self.driver, text, now)

    async def settle(self) -> None:
        """In a shared database there is nothing to wait for."""
        if self.world is not None:
            await self.world.synced()

    async def call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """A call that must be answered well."""
        answer = await self.api.call(method, f"{KEYS}/{path}", **options)
        assert answer.is_success, answer.text
        key: dict[str, Any] = answer.json()
        return key


@pytest.fixture(params=["shared database", "database of its own"])
async def gate(
    request: pytest.FixtureRequest, database: Database, bare_gateway: Database, clickhouse: ClickHouse
) -> AsyncIterator[Gate]:
    """The API with the gateway's table in the log's database, or with a sync to another one."""
    shared = request.param == "shared database"
    place = database if shared else bare_gateway
    await make_table(place)
    async with AsyncExitStack() as stack:
        append_hook = KeyTableHook("public") if shared else None
        api = await stack.enter_async_context(open_api(database, clickhouse, Names(), append_hook))
        driver = await stack.enter_async_context(place.connect())
        world = None
        if not shared:
            log, engine = api.services.registry.log, api.services.registry.engine
            assert isinstance(log, PostgresEventLog)
            table = GatewayTable(await stack.enter_async_context(place.engine()))
            world = World(log, engine, table)
            sync = GatewaySync(log, KeyStateReader(engine), table, SyncCheckpoint(engine), QUICK)
            await stack.enter_async_context(running(sync))
        yield Gate(api, driver, world)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "API key must be of the form `sk-t0-<public_id>-<long_key>`"),
        ("sk-t0-aaaaaaaaaaaa", "API key must be of the form `sk-t0-<public_id>-<long_key>`"),
        (f"sk-t0-aaaaaaaaaaaa-{SECRET}-", "API key must be of the form `sk-t0-<public_id>-<long_key>`"),
        (f"SK-t0-aaaaaaaaaaaa-{SECRET}", "API key must start with `sk-t0-`"),
        (f"sk-t1-aaaaaaaaaaaa-{SECRET}", "API key must start with `sk-t0-`"),
        (f"sk-t0-aaaaaaaaaaa-{SECRET}", "Public ID must be 12 characters"),
        (f"sk-t0-aaaaaaaaaaaa-{SECRET}a", "Long key must be 48 characters"),
        (f"sk-t0-aaaaaaaaaaaé-{SECRET}", "Public ID must be 12 characters"),
        (f"sk-t0-aaaaaaaaaaa -{SECRET}", "Public ID must be alphanumeric"),
        (f"sk-t0-aaaaaaaaaaaa-{SECRET[:-1]}_", "Long key must be alphanumeric"),
    ],
)
def test_what_is_no_key_is_refused_in_the_gateway_s_words(text: str, message: str) -> None:
    """So that the rules that our keys are held to below are known to refuse."""
    with pytest.raises(InvalidFormat) as caught:
        parse(text)
    assert str(caught.value) == message


async def test_a_new_key_has_the_format_and_is_valid(gate: Gate) -> None:
    made = await gate.api.make_key(description="Kasse ☕")
    key = parse(made["api_key"])
    assert key.public_id == made["public_id"]
    assert made["api_key"].isascii()
    assert await gate.verdict(made["api_key"]) == "valid"


async def test_an_id_with_another_secret_or_a_secret_with_another_id_is_missing(gate: Gate) -> None:
    one, other = await gate.api.make_key(), await gate.api.make_key()
    secret = one["api_key"].rpartition("-")[2]
    assert await gate.verdict(f"sk-t0-{one['public_id']}-{SECRET}") == "missing"
    assert await gate.verdict(f"sk-t0-{other['public_id']}-{secret}") == "missing"
    assert await gate.verdict(f"sk-t0-{one['public_id'].swapcase()}-{secret}") == "missing"
    assert await gate.verdict(one["api_key"]) == "valid"


async def test_a_revoked_key_is_disabled(gate: Gate) -> None:
    made = await gate.api.make_key()
    await gate.call("DELETE", made["public_id"])
    assert await gate.verdict(made["api_key"]) == "disabled"


async def test_an_expired_key_is_expired_from_its_very_instant_on_and_an_expiration_can_move(
    gate: Gate,
) -> None:
    end = datetime(2031, 2, 3, 4, 5, 6, 789_000, tzinfo=UTC)
    made = await gate.api.make_key(expiration=format_ms(end))
    assert [await gate.verdict(made["api_key"], end + n * MS) for n in (-1, 0, 1)] == ["valid", "expired", "expired"]
    await gate.call("PATCH", made["public_id"], json={"expiration": format_ms(end + MS)})
    assert [await gate.verdict(made["api_key"], end + n * MS) for n in (0, 1)] == ["valid", "expired"]
    await gate.call("PATCH", made["public_id"], json={"expiration": None})
    assert await gate.verdict(made["api_key"], end + timedelta(days=365)) == "valid"


async def test_the_last_expiration_that_can_be_written_is_one_that_the_gateway_can_read(gate: Gate) -> None:
    made = await gate.api.make_key(expiration="9999-12-31T23:59:59.999Z")
    assert await gate.verdict(made["api_key"]) == "valid"
    assert await gate.driver.fetchval(DECODABLE) == 0


async def test_a_key_that_is_both_revoked_and_expired_is_told_as_disabled(gate: Gate) -> None:
    end = datetime(2031, 1, 1, tzinfo=UTC)
    made = await gate.api.make_key(expiration=format_ms(end))
    await gate.call("DELETE", made["public_id"])
    assert await gate.verdict(made["api_key"], end + MS) == "disabled"


async def test_a_suspended_key_is_disabled_until_it_is_resumed(gate: Gate) -> None:
    made = await gate.api.make_key()
    await gate.call("POST", f"{made['public_id']}/suspend")
    assert await gate.verdict(made["api_key"]) == "disabled"
    await gate.call("POST", f"{made['public_id']}/resume")
    assert await gate.verdict(made["api_key"]) == "valid"


async def test_a_rotated_key_is_valid_by_both_secrets_until_the_overlap_ends(gate: Gate) -> None:
    made = await gate.api.make_key()
    rotated = await gate.call("POST", f"{made['public_id']}/rotate", json={"overlap_s": 3600})
    end = parse_instant(rotated["credentials"][0]["expires_at"])
    assert [await gate.verdict(made["api_key"], end + n * MS) for n in (-1, 0)] == ["valid", "expired"]
    assert await gate.verdict(rotated["api_key"], end) == "valid"
    await gate.call("DELETE", made["public_id"])
    assert await gate.verdict(made["api_key"]) == "disabled"
    assert await gate.verdict(rotated["api_key"]) == "disabled"


async def test_a_compromised_secret_ends_at_once_and_a_revoked_credential_leaves_the_other(
    gate: Gate,
) -> None:
    made = await gate.api.make_key()
    rotated = await gate.call("POST", f"{made['public_id']}/rotate", json={"compromised": True})
    assert await gate.verdict(made["api_key"]) == "expired"
    assert await gate.verdict(rotated["api_key"]) == "valid"
    again = await gate.call("POST", f"{made['public_id']}/rotate", json={"overlap_s": 3600})
    second = parse(rotated["api_key"]).public_id
    await gate.call("DELETE", f"{made['public_id']}/credentials/{second}")
    assert await gate.verdict(rotated["api_key"]) == "disabled"
    assert await gate.verdict(again["api_key"]) == "valid"


async def test_the_gateway_s_list_has_our_keys_newest_first_with_what_the_registry_says(gate: Gate) -> None:
    made = [
        await gate.api.make_key(description=text, organization=organization, expiration=expiration)
        for text, organization, expiration in (
            ("first", "acme", None),
            ("ünï ☕", "acme", "2031-01-01T00:00:00Z"),
            (None, "other", None),
        )
    ]
    revoked = await gate.call("DELETE", made[0]["public_id"])
    await gate.settle()
    rows = await listed(gate.driver)
    instants = [row["created_at"] for row in rows]
    assert instants == sorted(instants, reverse=True)
    shown = {row["public_id"]: row for row in rows}
    assert set(shown) == {one["public_id"] for one in made}
    for one in (revoked, *made[1:]):
        row = shown[one["public_id"]]
        assert (row["description"], row["organization"]) == (one["description"], one["organization"])
        for theirs, ours in COLUMNS.items():
            assert (None if row[theirs] is None else format_ms(row[theirs])) == one[ours]
    of_acme = {row["public_id"] for row in await listed(gate.driver, "acme")}
    assert of_acme == {one["public_id"] for one in made[:2]}
    assert [row["public_id"] for row in await listed(gate.driver, None, 1, 1)] == [rows[1]["public_id"]]
    assert await gate.driver.fetchval(DECODABLE) == 0


async def test_our_ids_fill_the_column_so_that_no_blank_stands_between(gate: Gate) -> None:
    """A short id is padded in silence, and no key leads to it."""
    made = await gate.api.make_key()
    rotated = await gate.call("POST", f"{made['public_id']}/rotate", json={"overlap_s": 60})
    await gate.settle()
    stored = await gate.driver.fetch("SELECT public_id, hash FROM tensorzero_auth_api_key")
    assert {row["public_id"] for row in stored} == {one["credential_id"] for one in rotated["credentials"]}
    assert all(len(row["public_id"].strip()) == 12 for row in stored)
    assert all(len(row["hash"]) == 64 and row["hash"] == row["hash"].lower().strip() for row in stored)
