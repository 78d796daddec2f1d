"""What a key's page says of its use: the sums of its own bill, or why they are not known."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from registry.keys.events import Confinement
from registry.tokens.service import NewToken
from tests.support.api.service import OPERATOR, Api, open_api
from tests.support.bill_world import World, chat, key_facts, model, uuid7
from tests.support.console import browser, logged_in
from tests.support.servers.databases import Database

HOUR_MS = 3_600_000


@pytest.fixture
async def used(database: Database, world: World) -> AsyncIterator[tuple[Api, str]]:
    """An API, and a key of acme's that was used twice an hour ago, and once before it was made."""
    async with open_api(database, world.clickhouse, world.names) as api:
        key = str((await api.make_key(tags={"customer_id": "acme"}))["public_id"])
        then = time.time_ns() // 1_000_000 - HOUR_MS
        await world.write(key_facts(key, 1, then - 1, customer_id="acme"))
        for serial, at in enumerate((then, then + 1, then - 2)):
            id_ = uuid7(at, serial)
            await world.serve([chat(id_, key), model(uuid7(at, 100 + serial), id_)])
        yield api, key


async def test_the_page_has_the_sums_of_the_keys_own_bill(used: tuple[Api, str]) -> None:
    api, key = used
    page = (await (await logged_in(api)).get(f"/console/keys/{key}")).text
    assert "Use of the last 30 days" in page
    assert "0.002 USD" in page
    assert ">2</a>" in page
    assert "use outside the key's life" in page
    assert f"key={key}" in page
    assert "/console/bills/inferences?" in page


async def test_who_may_not_see_bills_or_inferences_is_offered_none(used: tuple[Api, str]) -> None:
    api, key = used
    assert "Use of the last" not in (await (await logged_in(api, "reader")).get(f"/console/keys/{key}")).text
    within = Confinement({"customer_id": "acme"}, None, None)
    token = NewToken("acme", ("keys:read", "billing:read"), confined_to=within)
    confined = browser(api)
    await confined.log_in((await api.services.registry.tokens.create(token, OPERATOR)).text)
    page = (await confined.get(f"/console/keys/{key}")).text
    assert "0.002 USD" in page
    assert "/console/bills/inferences?" not in page


async def test_a_key_that_has_not_come_to_clickhouse_says_so(used: tuple[Api, str]) -> None:
    api, _ = used
    new = (await api.make_key())["public_id"]
    page = (await (await logged_in(api)).get(f"/console/keys/{new}")).text
    assert "the creation of the key has not come to ClickHouse yet" in page


async def test_the_page_does_not_wait_for_other_bills(used: tuple[Api, str], monkeypatch: pytest.MonkeyPatch) -> None:
    api, key = used
    monkeypatch.setattr("keyledger.console.keys.use.LOOK_S", 0.2)
    visitor = await logged_in(api)
    async with AsyncExitStack() as taken:
        for _ in range(2):
            await taken.enter_async_context(api.reading.bills.enter(f"token-{api.token_ids['admin']}"))
        answer = await visitor.get(f"/console/keys/{key}")
        assert api.reading.bills.inside == 2, "what it asked for is stopped"
    assert answer.text.count("it takes longer than 0.2 s") == 2
    assert "Make its bill" in answer.text
