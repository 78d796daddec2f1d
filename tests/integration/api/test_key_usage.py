"""When the credentials of a key were last used, as the admin API tells it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from projections.engine.ddl import Names
from projections.usage.credential_use import CredentialUse, read_use
from registry.instant import from_ms
from tests.support.api.service import Api, assert_problem, open_api
from tests.support.bill_world import World, batch, chat, instant, model, uuid7
from tests.support.servers.databases import Database

NOON = instant("2026-03-01T12:00:00")


@pytest.fixture
async def used_api(database: Database, world: World) -> AsyncIterator[Api]:
    """The API with a ledger and a gateway's tables of its own."""
    async with open_api(database, world.clickhouse, world.names) as made:
        yield made


async def test_a_key_says_when_each_credential_was_last_used(used_api: Api, world: World) -> None:
    """Never is null; what is seen of others says how far rows have come."""
    key = (await used_api.make_key())["public_id"]
    answer = await used_api.call("GET", f"/admin/api-keys/{key}/usage", by="reader")
    never = {"credential_id": key, "last_used_at": None, "inferences": 0}
    assert answer.json() == {"items": [never], "seen_until": None}
    await world.serve([chat(uuid7(NOON + 5000, 1), "anotherkey00"), chat(uuid7(NOON + 1, 2), key)])
    await world.serve([chat(uuid7(NOON + 2007, 3), key, table="JsonInference"), chat(uuid7(NOON + 1, 2), key)])
    answer = await used_api.call("GET", f"/admin/api-keys/{key}/usage", by="reader")
    used = {"credential_id": key, "last_used_at": "2026-03-01T12:00:02.007Z", "inferences": 2}
    assert answer.json() == {"items": [used], "seen_until": "2026-03-01T12:00:05.000Z"}
    assert int(answer.headers["keyledger-position"]) == await used_api.head()


async def test_a_rotated_key_says_which_of_its_secrets_is_still_in_use(used_api: Api, world: World) -> None:
    key = (await used_api.make_key())["public_id"]
    rotated = (await used_api.call("POST", f"/admin/api-keys/{key}/rotate", json={"overlap_s": 60})).json()
    second = rotated["credentials"][1]["credential_id"]
    await world.serve([chat(uuid7(NOON, 1), key), chat(uuid7(NOON + 40, 2), key)])
    answer = await used_api.call("GET", f"/admin/api-keys/{second}/usage")
    assert answer.json()["items"] == [
        {"credential_id": key, "last_used_at": "2026-03-01T12:00:00.040Z", "inferences": 2},
        {"credential_id": second, "last_used_at": None, "inferences": 0},
    ]


async def test_only_use_that_the_gateway_vouches_for_counts(world: World) -> None:
    """A batch's tag is its client's word; a bad id has no instant; of rows that differ the greatest counts."""
    old, second, other = "keyAAAAAAAA1", "credCCCCCCC3", "keyBBBBBBBB2"
    disputed = uuid7(NOON + 900, 9)
    await world.serve(
        [
            chat(uuid7(NOON + 1, 1), old),
            chat(uuid7(NOON + 2, 2), second),
            chat(uuid7(NOON + 3, 3), second),
            chat(uuid7(NOON + 800, 8), second),
            batch(uuid7(NOON + 800, 8)),
            chat(UUID("7f0e8400-e29b-41d4-a716-446655440000"), second),
            chat(disputed, second, function="a"),
            chat(disputed, other, function="b"),
            model(uuid7(NOON + 950, 4), uuid7(NOON + 3, 3)),
        ]
    )
    used = await read_use(world.clickhouse, world.names, [old, second, "neverused000"])
    assert used.items == [
        CredentialUse(old, from_ms(NOON + 1), 1),
        CredentialUse(second, from_ms(NOON + 3), 2),
        CredentialUse("neverused000", None, 0),
    ]
    assert used.seen_until == from_ms(NOON + 900)


async def test_any_credentials_id_leads_there_and_what_is_wrong_is_refused(used_api: Api) -> None:
    key = (await used_api.make_key())["public_id"]
    assert_problem(await used_api.call("GET", "/admin/api-keys/AAAAAAAAAAAA/usage"), 404)
    assert_problem(await used_api.call("GET", "/admin/api-keys/short/usage"), 404)
    assert_problem(await used_api.call("GET", f"/admin/api-keys/{key}/usage?at=now"), 422, "at")
    assert_problem(await used_api.call("GET", f"/admin/api-keys/{key}/usage", by="billing"), 403)
    assert_problem(await used_api.client.get(f"/admin/api-keys/{key}/usage"), 401)
    assert_problem(await used_api.call("POST", f"/admin/api-keys/{key}/usage"), 405)


async def test_the_use_of_a_key_with_as_many_credentials_as_it_can_have_can_be_asked(
    world: World, names: Names
) -> None:
    ids = [f"cred{number:08}" for number in range(1000)]
    await world.serve([chat(uuid7(NOON, 1), ids[-1])])
    used = await read_use(world.clickhouse, names, ids)
    assert [use.credential_id for use in used.items] == ids
    assert used.items[-1].last_used_at == from_ms(NOON)


async def test_without_the_gateways_tables_bill_and_usage_are_of_what_was_collected(
    used_api: Api, world: World
) -> None:
    """The gateway makes them when it starts with its ClickHouse; `status` says which are missing."""
    key = (await used_api.make_key())["public_id"]
    await world.serve([chat(uuid7(NOON, 1), key)])
    await world.clickhouse.command(f"DROP TABLE {world.names.gateway}.ChatInference")
    bill = {"since": "2026-03-01T00:00:00Z", "until": "2026-04-01T00:00:00Z"}
    for path, query in ((f"/admin/api-keys/{key}/usage", {}), ("/billing/usage", bill)):
        answer = await used_api.call("GET", path, params=query)
        assert answer.status_code == 200, answer.text
        assert '"inferences":1' in answer.text
