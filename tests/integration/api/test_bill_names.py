"""A bill by a tag that nobody ever had is refused, with the names that were meant."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.api.service import Api, assert_problem, open_api
from tests.support.bill_world import World, chat, instant, key_facts, uuid7
from tests.support.oracle.oracle import Fact
from tests.support.servers.databases import Database

KEY = "keyAAAAAAAA1"
NOON = instant("2026-03-01T12:00:00")
PERIOD = {"since": "2026-03-01T00:00:00Z", "until": "2026-04-01T00:00:00Z"}


@pytest.fixture
async def bill_api(database: Database, world: World) -> AsyncIterator[Api]:
    """The API over a ledger of one key, which had a tag `team` once and has `customer_id` and `billing_tier`."""
    facts = key_facts(KEY, 1, NOON, customer_id="acme", billing_tier="gold", team="blue")
    await world.write([*facts, Fact(2, NOON + 1, "tag", KEY, tag="team", value=None)])
    async with open_api(database, world.clickhouse, world.names) as made:
        yield made


async def test_a_name_that_no_key_ever_had_is_refused_with_the_nearest(bill_api: Api) -> None:
    async def refusal(**query: Any) -> list[dict[str, str]]:
        answer = await bill_api.call("GET", "/billing/usage", params={**PERIOD, **query})
        assert_problem(answer, 422)
        errors: list[dict[str, str]] = answer.json()["errors"]
        return errors

    (fault,) = await refusal(group_by="costumer_id")
    assert fault == {
        "field": "group_by",
        "message": "no key has had the tag 'costumer_id' up to position 2; the nearest: customer_id",
    }
    faults = await refusal(group_by=["Billing_Tier", "customer_id", "modle"], tag="custmer_id:acme")
    assert [(fault["field"], fault["message"].partition("; ")[2]) for fault in faults] == [
        ("group_by", "the nearest: billing_tier"),
        ("group_by", "the nearest: model"),
        ("tag", "the nearest: customer_id"),
    ]
    (fault,) = await refusal(group_by="customer_id,model")
    assert fault["message"].endswith(": name each by itself, group_by=customer_id group_by=model")
    (fault,) = await refusal(group_by="zzz")
    assert fault["message"].endswith("up to position 2, nor one like it")


async def test_a_name_that_was_removed_or_came_later_still_bills(bill_api: Api, world: World) -> None:
    """By all that is applied: not by what was known at the position asked for, or held in the period."""
    await world.serve([chat(uuid7(NOON + 2, 1), KEY)])
    for known_at in ({}, {"known_at": 0}):
        query = {**PERIOD, "group_by": ["team"], "tag": "customer_id:acme", **known_at}
        answer = await bill_api.call("GET", "/billing/usage", params=query)
        assert answer.status_code == 200, answer.text


async def test_a_key_that_there_never_was_is_refused(bill_api: Api) -> None:
    for path in ("usage", "inferences"):
        answer = await bill_api.call("GET", f"/billing/{path}", params={**PERIOD, "key": "keyBBBBBBBB2"})
        assert_problem(answer, 422, "key")
        assert "is the id of no key up to position 2" in answer.text
    for odd in ("", "x", "keyAAAAAAAA1\n", "' OR 1=1 --", "a" * 5000):
        assert_problem(await bill_api.call("GET", "/billing/usage", params={**PERIOD, "key": odd}), 422, "key")
    answer = await bill_api.call("GET", "/billing/usage", params={**PERIOD, "key": KEY})
    assert (answer.status_code, answer.json()["key"]) == (200, KEY)
    answer = await bill_api.call("GET", "/billing/usage", params={**PERIOD, "key": KEY, "known_at": 1})
    assert answer.status_code == 200
