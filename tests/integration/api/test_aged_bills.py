"""A caller who says how old a bill may be gets one at once, with its age; all others get one of this moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.api.service import Api, assert_problem, open_api
from tests.support.bill_world import World, chat, instant, key_facts, uuid7
from tests.support.oracle.oracle import Fact
from tests.support.servers.databases import Database

KEY = "keyAAAAAAAA1"
NOON = instant("2026-03-01T12:00:00")
PERIOD = {"since": "2026-03-01T00:00:00Z", "until": "2026-04-01T00:00:00Z", "tag": "customer_id:acme"}
ANY_AGE = "max-age=600"


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock by which bills grow old."""
    made = Clock()
    monkeypatch.setattr("projections.billing.recent_bills.monotonic", made)
    return made


@pytest.fixture
async def bill_api(database: Database, world: World) -> AsyncIterator[Api]:
    """The API over a ledger of one key and one inference."""
    await world.write(key_facts(KEY, 1, NOON, customer_id="acme"))
    await world.serve([chat(uuid7(NOON + 1, 1), KEY)])
    async with open_api(database, world.clickhouse, world.names) as made:
        yield made


async def ask(api: Api, cache_control: str | None = None, **query: Any) -> tuple[int, str | None, int]:
    """How many inferences are billed, the age of the answer, and its position."""
    headers = {} if cache_control is None else {"Cache-Control": cache_control}
    answer = await api.call("GET", "/billing/usage", params={**PERIOD, **query}, headers=headers)
    assert answer.status_code == 200, answer.text
    bill = answer.json()
    assert answer.headers["Keyledger-Position"] == str(bill["position"])
    return bill["total"]["inferences"], answer.headers.get("Age"), bill["position"]


async def test_what_was_made_lately_will_do_where_the_caller_says_so(bill_api: Api, world: World, clock: Clock) -> None:
    assert await ask(bill_api, ANY_AGE) == (1, None, 1), "nothing is there yet"
    await world.serve([chat(uuid7(NOON + 2, 2), KEY)])
    clock.now += 1.9
    assert await ask(bill_api, ANY_AGE) == (1, "1", 1)
    for strict in ("max-age=0", "no-cache", "max-age=600, no-cache"):
        assert await ask(bill_api, strict) == (2, None, 1)
    assert await ask(bill_api, ANY_AGE) == (2, "0", 1)
    assert await ask(bill_api, ANY_AGE, tag="customer_id:other") == (0, "0", 1), "another part of the same bill"


async def test_it_is_never_older_than_that_nor_than_the_position_waited_for(
    bill_api: Api, world: World, clock: Clock
) -> None:
    await ask(bill_api)
    await world.serve([chat(uuid7(NOON + 2, 2), KEY)])
    await world.write([Fact(2, NOON + 2, "tag", KEY, tag="customer_id", value="other")])
    assert await ask(bill_api, ANY_AGE) == (1, "0", 1)
    assert await ask(bill_api, ANY_AGE, usage_known_at=0) == (0, None, 2), "as it was known then, to the byte"
    clock.now += 1.05
    assert await ask(bill_api, "max-age=1") == (1, None, 2), "the second is of the other customer"
    await world.write([Fact(3, NOON, "tag", KEY, tag="customer_id", value="other")])
    assert (await ask(bill_api, ANY_AGE, wait_for=2))[1:] == ("0", 2)
    assert (await ask(bill_api, ANY_AGE, wait_for=3))[1:] == (None, 3)


async def test_half_of_the_age_later_it_is_made_again_for_the_next(bill_api: Api, world: World, clock: Clock) -> None:
    await ask(bill_api)
    await world.serve([chat(uuid7(NOON + 2, 2), KEY)])
    await world.write([Fact(2, NOON, "tag", KEY, tag="team", value="red")])
    clock.now += 1.05
    assert await ask(bill_api, "max-age=2") == (1, "1", 1)
    async with asyncio.timeout(10):
        while (found := await ask(bill_api, ANY_AGE))[2] < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert found == (2, "0", 2)


@pytest.mark.usefixtures("clock")
async def test_its_csv_is_the_same_bill(bill_api: Api, world: World) -> None:
    asked = {**PERIOD, "group_by": "customer_id"}
    headers = {"Accept": "text/csv"}
    strict = await bill_api.call("GET", "/billing/usage", params=asked, headers=headers)
    await world.serve([chat(uuid7(NOON + 2, 2), KEY)])
    aged = await bill_api.call("GET", "/billing/usage", params=asked, headers={**headers, "Cache-Control": ANY_AGE})
    assert (aged.text, aged.headers["Age"]) == (strict.text, "0")
    assert "acme,1," in strict.text


async def test_a_key_that_nobody_knows_is_refused_however_old_a_bill_may_be(bill_api: Api) -> None:
    question = {**PERIOD, "key": "Nobodys0Key0"}
    del question["tag"]
    for cache_control in ("no-cache", ANY_AGE):
        answer = await bill_api.call("GET", "/billing/usage", params=question, headers={"Cache-Control": cache_control})
        assert_problem(answer, 422)
