"""The price book over HTTP: set, read as of and as known, ended, refused by field, and told in the log."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from registry.instant import format_ms, parse_instant
from registry.tokens.service import NewToken
from tests.support.api.service import OPERATOR, Api, assert_problem

PRICES = "/admin/prices"
GOLD: dict[str, Any] = {
    "model": "llama",
    "tags": {"billing_tier": "gold"},
    "currency": "EUR",
    "per_million": {"input": "0.15", "output": "0.600000000000000001"},
    "per_inference": "0.002",
}


async def put(api: Api, price_id: str, body: dict[str, Any], **query: str) -> dict[str, Any]:
    """The price, set."""
    answer = await api.call("PUT", f"{PRICES}/{price_id}", json=body, params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["keyledger-position"] == str(await api.head())
    price: dict[str, Any] = answer.json()
    return price


async def get(api: Api, path: str, **query: Any) -> dict[str, Any]:
    """What is there."""
    answer = await api.call("GET", f"{PRICES}{path}", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def after(instant: str, **delta: int) -> str:
    """An instant some time after another."""
    return format_ms(parse_instant(instant) + timedelta(**delta))


async def test_a_price_is_set_read_and_ended_and_every_step_is_in_its_history(api: Api) -> None:
    made = await put(api, "gold", GOLD, reason="contract 7")
    at = made["effective_at"]
    assert made == {
        "price_id": "gold", **GOLD, "provider": None, "cost_multiplier": None, "status": "active", "effective_at": at,
        "scheduled": [], "position": await api.head(), "version": 1,
    }  # fmt: skip
    assert await put(api, "gold", GOLD) == made, "a repeat is no event"
    later = await put(api, "gold", {**GOLD, "per_million": {"input": "0.2"}}, effective_at=after(at, days=30))
    assert (later["per_million"], later["version"]) == (GOLD["per_million"], 2)
    assert [(one["effective_at"], one["per_million"]) for one in later["scheduled"]] == [
        (after(at, days=30), {"input": "0.2"})
    ]
    known = later["position"]
    ended = await api.call("DELETE", f"{PRICES}/gold", params={"reason": "no more"})
    assert (ended.json()["status"], ended.json()["scheduled"][0]["currency"]) == ("ended", None)
    assert (await api.call("DELETE", f"{PRICES}/gold")).json()["position"] == ended.json()["position"]
    # As of, and as known.
    assert (await get(api, "/gold"))["status"] == "ended"
    assert (await get(api, "/gold", at=at))["status"] == "active"
    as_of = await get(api, "/gold", at=after(at, days=31), known_at=known)
    assert (as_of["status"], as_of["per_million"]) == ("active", {"input": "0.2"})
    assert_problem(await api.call("GET", f"{PRICES}/gold", params={"known_at": made["position"] - 1}), 404)
    history = (await get(api, "/gold/history"))["items"]
    assert [(one["type"], one["reason"]) for one in history] == [
        ("PriceSet", "contract 7"),
        ("PriceSet", None),
        ("PriceEnded", "no more"),
        ("PriceEnded", "no more"),
    ]
    assert [one["effective_at"] for one in history][1::2] == [after(at, days=30)] * 2
    assert history[0]["data"]["per_million"] == GOLD["per_million"]
    told = (await api.call("GET", "/audit/history/price-gold", by="auditor")).json()["items"]
    assert {"field": "status", "from": "active", "to": "ended", "until": after(at, days=30)} in told[2]["changes"]


async def test_a_list_pages_through_the_book_as_of_and_as_known(api: Api) -> None:
    for number in range(5):
        await put(api, f"p{number}", {**GOLD, "model": f"m{number}"})
    whole = (await get(api, ""))["items"]
    assert [one["price_id"] for one in whole] == ["p4", "p3", "p2", "p1", "p0"]
    first = await get(api, "", limit=2)
    second = await get(api, "", limit=2, cursor=first["next_cursor"])
    third = await get(api, "", limit=2, cursor=second["next_cursor"])
    assert [*first["items"], *second["items"], *third["items"]] == whole
    assert third["next_cursor"] is None
    known = (await get(api, "", known_at=whole[2]["position"]))["items"]
    assert [one["price_id"] for one in known] == ["p2", "p1", "p0"]
    before = (await get(api, "", at="2020-01-01T00:00:00Z"))["items"]
    assert {one["status"] for one in before} == {"scheduled"}
    assert_problem(await api.call("GET", PRICES, params={"known_at": 10**6}), 422, "known_at")


async def test_prices_that_tie_are_refused_also_when_they_are_set_at_once(api: Api) -> None:
    calls = (api.call("PUT", f"{PRICES}/r{number}", json=GOLD) for number in range(12))
    answers = await asyncio.gather(*calls)
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 11
    (won,) = (await get(api, ""))["items"]
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert_problem(refused, 409)
    assert f"the price {won['price_id']} rates the same rows" in refused.json()["detail"]
    assert_problem(await api.call("PUT", f"{PRICES}/{won['price_id']}", json={**GOLD, "provider": "vllm"}), 409)


async def test_the_past_needs_the_scope_and_a_reason(api: Api) -> None:
    token = (
        await api.services.registry.tokens.create(NewToken("book", ("prices:read", "prices:write")), OPERATOR)
    ).text
    headers = {"Authorization": f"Bearer {token}"}
    past = {"effective_at": "2026-01-01T00:00:00Z", "reason": "contract"}
    assert_problem(await api.call("PUT", f"{PRICES}/gold", json=GOLD, params=past, headers=headers), 403)
    del past["reason"]
    assert_problem(await api.call("PUT", f"{PRICES}/gold", json=GOLD, params=past), 422, "reason")
    assert (await put(api, "gold", GOLD, **past, reason="contract"))["effective_at"] == "2026-01-01T00:00:00.000Z"
    far = {"effective_at": after(format_ms(parse_instant("2026-01-01T00:00:00Z")), days=4000)}
    assert_problem(await api.call("PUT", f"{PRICES}/gold", json=GOLD, params=far), 422, "effective_at")


BAD: list[tuple[str, dict[str, Any], str, str | None]] = [
    ("gold", {"model": None}, "", "model"),
    ("gold", {"model": ["a"]}, "", "model"),
    ("gold", {"currency": "euro"}, "", "currency"),
    ("gold", {"per_million": {"input": 0.15}}, "", "per_million.input"),
    ("gold", {"per_million": {"input": "1E-9"}}, "", "per_million.input"),
    ("gold", {"per_million": {"thinking": "1"}}, "", "per_million.thinking"),
    ("gold", {"per_million": {}, "per_inference": None}, "", "per_million"),
    ("gold", {"tags": {"model": "x"}}, "", "tags.model"),
    ("gold", {"tags": {"a": 1}}, "", "tags.a"),
    ("gold", {"colour": "red"}, "", "colour"),
    ("gold", {"cost_multiplier": "1.2", "currency": "USD"}, "", "cost_multiplier"),
    ("-gold", {}, "", "price_id"),
    ("gold", {}, "?effective_at=2026-03-01", "effective_at"),
    ("gold", {}, "?reson=typo", "reson"),
]


@pytest.mark.parametrize(("price_id", "change", "query", "field"), BAD)
async def test_what_no_price_can_be_is_refused_by_field(
    shared_api: Api, price_id: str, change: dict[str, Any], query: str, field: str | None
) -> None:
    answer = await shared_api.call("PUT", f"{PRICES}/{price_id}{query}", json={**GOLD, **change})
    assert_problem(answer, 422, field)


async def test_a_price_that_nobody_set_is_not_found(shared_api: Api) -> None:
    for method, path in (("GET", "none"), ("GET", "none/history"), ("DELETE", "none"), ("GET", "-a"), ("DELETE", "ä")):
        answer = await shared_api.call(method, f"{PRICES}/{path}")
        assert_problem(answer, 404)
        assert "price" in answer.json()["detail"]
