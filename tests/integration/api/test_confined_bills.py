"""A bill by a token that is confined to tags is what an unconfined one would show of these tags alone."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from registry.keys.events import Confinement
from registry.tokens.service import NewToken
from tests.support.api.service import OPERATOR, Api, assert_problem, open_api
from tests.support.bill_world import World, chat, instant, key_facts, model, uuid7
from tests.support.oracle.oracle import Fact
from tests.support.servers.databases import Database

OURS, THEIRS = "keyAAAAAAAA1", "keyBBBBBBBB2"
NOON = instant("2026-03-01T12:00:00")
PERIOD = {"since": "2026-03-01T00:00:00Z", "until": "2026-04-01T00:00:00Z", "group_by": ["customer_id", "model"]}


@pytest.fixture
async def bill_api(database: Database, world: World) -> AsyncIterator[Api]:
    """The API over a ledger of a key of acme's, which ended, and one of globex's, with usage of all kinds."""
    facts = [*key_facts(OURS, 1, NOON, customer_id="acme"), *key_facts(THEIRS, 2, NOON, customer_id="globex")]
    await world.write([*facts, Fact(3, NOON + 50, "key_revoked", OURS)])
    ids = [uuid7(NOON + at, at) for at in (1, 2, 3, 60, 61)]
    rows = [chat(id_, OURS if number % 2 == 0 else THEIRS) for number, id_ in enumerate(ids)]
    rows += [model(uuid7(NOON, 100 + number), id_) for number, id_ in enumerate(ids)]
    await world.serve([*rows, chat(uuid7(NOON + 5, 9), None), chat(uuid7(NOON + 6, 10), "unknownkey99")])
    async with open_api(database, world.clickhouse, world.names) as made:
        yield made


async def bill(api: Api, within: Confinement | None, **query: Any) -> httpx.Response:
    """The bill by a token of its own."""
    new = NewToken("t", ("billing:read",), confined_to=within)
    token = (await api.services.registry.tokens.create(new, OPERATOR)).text
    headers = {"Authorization": f"Bearer {token}"}
    return await api.client.get("/billing/usage", params={**PERIOD, **query}, headers=headers)


async def test_it_has_the_lines_of_its_tags_and_nothing_of_others(bill_api: Api) -> None:
    whole = (await bill(bill_api, None, tag="customer_id:acme")).json()
    answer = await bill(bill_api, Confinement({"customer_id": "acme"}, None, None))
    own = answer.json()
    assert answer.status_code == 200, answer.text
    assert "globex" not in answer.text
    for part in ("lines", "total", "late_lines", "tag", "group_by"):
        assert own[part] == whole[part], part
    assert own["total"]["inferences"] > 0
    assert own["late_lines"]
    figures = {one.pop("bucket"): one for one in own["coverage"]}
    assert {name for name, one in figures.items() if one["inferences"]} == {"keyed", "outside_key_life"}
    assert figures["keyed"] == own["total"]
    assert own["usage"]["rows"] < whole["usage"]["rows"]
    assert own["usage"]["fingerprint"] != whole["usage"]["fingerprint"]


async def test_it_can_not_ask_for_others(bill_api: Api) -> None:
    within = Confinement({"customer_id": "acme"}, None, None)
    other = await bill(bill_api, within, tag="customer_id:globex")
    assert (other.status_code, other.json()["lines"], other.json()["total"]["inferences"]) == (200, [], 0)
    assert all(one["inferences"] == 0 for one in other.json()["coverage"])
    csv = await bill(bill_api, within)
    assert "globex" not in json.dumps(csv.json())
    for query in ({"known_at": 3}, {"known_at": 1}):
        assert "globex" not in (await bill(bill_api, within, **query)).text


async def test_bills_are_not_confined_by_places(bill_api: Api) -> None:
    assert_problem(await bill(bill_api, Confinement({}, "eu", None)), 403)


async def test_a_key_of_somebody_else_is_as_one_that_there_is_not(bill_api: Api) -> None:
    acme = Confinement({"customer_id": "acme"}, None, None)
    theirs, nobodys = [(await bill(bill_api, acme, key=key)).json() for key in (THEIRS, "nobodyXXXXXX")]
    assert theirs.pop("key") == THEIRS
    assert nobodys.pop("key") == "nobodyXXXXXX"
    assert theirs == nobodys
    assert theirs["usage"]["rows"] == 0
    ours = (await bill(bill_api, acme, key=OURS)).json()
    everything = (await bill(bill_api, acme)).json()
    assert ours.pop("key") == OURS
    assert ours == {name: value for name, value in everything.items() if name != "key"}
