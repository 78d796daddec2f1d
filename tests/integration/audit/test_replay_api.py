"""POST and DELETE /operator/audit/replay: refused before the answer begins, told part by part, one at a time."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from audit.replay.exclusive import alone
from keyledger.http.app import operator_app
from projections.engine.client import ClickHouse
from tests.support.api.service import Api, assert_problem
from tests.support.audit.ledger_world import Ledger

PATH = "/operator/audit/replay"


@pytest.fixture
async def operator(ledger: Ledger, clickhouse: ClickHouse) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the operator's app over a ledger with a key."""
    await ledger.api.make_key(tags={"customer_id": "acme"})
    await ledger.apply()
    transport = httpx.ASGITransport(operator_app(ledger.api.services))
    async with httpx.AsyncClient(transport=transport, base_url="http://operator") as client:
        yield client
    await clickhouse.command(f"DROP DATABASE IF EXISTS {target(ledger.api)}")


def target(api: Api) -> str:
    """A database of the test's own."""
    return f"{api.services.names.database}_again"


def lines(text: str) -> list[tuple[str, Any]]:
    """The parts of an answer, each with its kind."""
    return [next(iter(json.loads(line).items())) for line in text.splitlines()]


async def test_it_tells_how_far_it_is_the_differences_and_its_result(
    ledger: Ledger, operator: httpx.AsyncClient
) -> None:
    name, head = target(ledger.api), await ledger.api.head()
    answer = await operator.post(PATH, json={"target": name})
    assert answer.headers["keyledger-position"] == str(head)
    *before, (kind, result) = lines(answer.text)
    assert [(kind, part["stage"], part["done"]) for kind, part in before] == [
        ("progress", "replaying", head), ("progress", "comparing", head),
    ]  # fmt: skip
    assert (kind, result["differences"], result["position"], result["switched"]) == ("result", 0, head, False)
    await ledger.world.clickhouse.command(f"TRUNCATE TABLE {ledger.world.names.database}.key_life_v1")
    answer = await operator.post(PATH, json={"target": name, "switch": True})
    (_, finding), *_ = (part for part in lines(answer.text) if part[0] == "finding")
    assert (finding["kind"], finding["where"], finding["position"]) == ("missing", "key_life_v1", head)
    assert lines(answer.text)[-1][1]["switched"] is True
    assert await ledger.world.select("SELECT count() FROM {database}.key_life") == [(1,)]
    dropped = await operator.delete(f"{PATH}/{name}")
    assert (dropped.status_code, dropped.json()["target"]) == (200, name)


async def test_what_can_be_refused_is_before_the_answer_begins(ledger: Ledger, operator: httpx.AsyncClient) -> None:
    name, head = target(ledger.api), await ledger.api.head()
    for body, status, field in (
        ({}, 422, "target"),
        ({"target": ""}, 422, "target"),
        ({"target": "x" * 65}, 422, "target"),
        ({"target": name, "until": -1}, 422, "until"),
        ({"target": name, "until": head + 1}, 422, "until"),
        ({"target": name, "until": "1"}, 422, "until"),
        ({"target": name, "until": head, "switch": True}, 422, "until"),
        ({"target": name, "switch": "yes"}, 422, "switch"),
        ({"target": name, "swich": True}, 422, "swich"),
        ({"target": "system"}, 409, None),
        ({"target": "a b"}, 409, None),
        ({"target": ledger.world.names.gateway}, 409, None),
    ):
        assert_problem(await operator.post(PATH, json=body), status, field)
    for path in (name, "system", "%27", "x" * 64):
        assert_problem(await operator.delete(f"{PATH}/{path}"), 409)
    assert_problem(await operator.delete(f"{PATH}/{'x' * 65}"), 422)


async def test_a_second_one_meanwhile_is_refused(ledger: Ledger, operator: httpx.AsyncClient) -> None:
    name = target(ledger.api)
    async with alone(ledger.api.services.registry.engine):
        assert_problem(await operator.post(PATH, json={"target": name}), 409)
        assert_problem(await operator.delete(f"{PATH}/{name}"), 409)
    assert lines((await operator.post(PATH, json={"target": name})).text)[-1][0] == "result"


async def test_no_token_opens_it(ledger: Ledger) -> None:
    answer = await ledger.api.call("POST", PATH, json={"target": target(ledger.api)})
    assert_problem(answer, 404)
