"""What an attacker tried once: paths behind 404, zones of one machine, bills without end, crowds in the past."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from keyledger.runtime.serving.concurrency_limit import ConcurrencyLimit
from registry.errors import Busy, TooManyOfOne
from tests.support.api.service import Api, assert_problem

PERIOD = {"since": "2026-03-01T00:00:00Z", "until": "2026-04-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/admin/nope", 404),
        ("GET", "/admin/api-keys/", 404),
        ("GET", "/audit/anything", 404),
        ("GET", "/billing", 404),
        ("PUT", "/admin/api-keys", 405),
        ("POST", "/admin/api-keys/abcdefghijkl", 405),
    ],
)
async def test_who_has_no_token_does_not_learn_what_is_there(
    shared_api: Api, method: str, path: str, status: int
) -> None:
    answer: httpx.Response = await shared_api.client.request(method, path)
    assert_problem(answer, 401)
    assert answer.headers["www-authenticate"] == "Bearer"
    assert_problem(await shared_api.call(method, path), status)


async def test_other_paths_need_no_token_to_be_missing(shared_api: Api) -> None:
    assert_problem(await shared_api.client.get("/nope"), 404)


@pytest.mark.parametrize("zone", ["localtime", "Factory", "right/Europe/Berlin", "../etc/passwd", "Mars/Olympus"])
async def test_a_zone_of_one_machine_alone_is_refused_by_field(shared_api: Api, zone: str) -> None:
    answer = await shared_api.call("GET", "/billing/usage", params={**PERIOD, "group_by": "hour", "time_zone": zone})
    assert_problem(answer, 422, "time_zone")


async def test_a_position_beyond_the_head_is_refused_with_the_head(shared_api: Api) -> None:
    head = await shared_api.head()
    for field in ("known_at", "wait_for"):
        answer = await shared_api.call("GET", "/billing/usage", params={**PERIOD, field: head + 1})
        assert_problem(answer, 422, field)
        assert int(answer.headers["keyledger-position"]) == head


async def test_a_gate_admits_some_lets_some_wait_and_refuses_the_rest() -> None:
    gate, leave, entered = ConcurrencyLimit("bills", 2, 1), asyncio.Event(), 0

    async def visit(caller: str) -> None:
        nonlocal entered
        async with gate.enter(caller):
            entered += 1
            await leave.wait()

    visits = [asyncio.create_task(visit(f"token-{number}")) for number in range(4)]
    with pytest.raises(Busy):
        await visits[3]
    assert entered == 2
    leave.set()
    await asyncio.gather(*visits[:3])
    assert entered == 3
    async with gate.enter("token-0"):
        pass


async def test_one_caller_leaves_slots_and_places_to_the_others() -> None:
    gate, leave, entered = ConcurrencyLimit("bills", 4, 12), asyncio.Event(), list[str]()

    async def visit(caller: str) -> None:
        async with gate.enter(caller):
            entered.append(caller)
            await leave.wait()

    greedy = [asyncio.create_task(visit("greedy")) for _ in range(5)]
    with pytest.raises(TooManyOfOne, match="4 bills under way"):
        await greedy[4]
    other = asyncio.create_task(visit("other"))
    await asyncio.sleep(0)
    assert sorted(entered) == ["greedy", "greedy", "other"]
    leave.set()
    await asyncio.gather(*greedy[:4], other)


async def test_a_correction_of_the_past_can_not_crowd_it(api: Api) -> None:
    key = await api.make_key(tags={f"tag-{number}": "x" for number in range(64)})
    moved = (await api.patch(key["public_id"], {"tags": {"tag-0": None, "tag-64": "x"}})).json()
    assert len(moved["tags"]) == 64
    past = {"effective_at": key["created_at"], "reason": "correction"}
    crowd = await api.patch(key["public_id"], {"tags": {"tag-65": "x"}}, **past)
    assert_problem(crowd, 422, "tags")
    fits = await api.patch(key["public_id"], {"tags": {"tag-65": "x", "tag-1": None}}, **past)
    assert fits.status_code == 200, fits.text
    assert len(fits.json()["tags"]) == 64
