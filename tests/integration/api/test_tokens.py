"""Admin tokens over HTTP: made, listed, rotated, ended; confined ones see and set nothing outside."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from registry.instant import format_ms
from registry.tokens.attempts import Attempts
from registry.verify.known_keys import following
from tests.support.api.service import Api, assert_problem

KEYS, TOKENS = "/admin/api-keys", "/admin/tokens"
MOST = 100
SCOPES = ["keys:read", "keys:write", "keys:backdate", "keys:verify", "billing:read", "events:read"]


async def made(api: Api, **body: Any) -> dict[str, Any]:
    """A token as its first answer shows it."""
    answer = await api.call("POST", TOKENS, json={"name": "t", "scopes": ["keys:read"], **body})
    assert answer.status_code == 201, answer.text
    token: dict[str, Any] = answer.json()
    return token


async def by(api: Api, token: str, method: str, path: str, **asked: Any) -> httpx.Response:
    """A request with a token's text."""
    return await api.call(
        method, path, headers={"Authorization": f"Bearer {token}", **asked.pop("headers", {})}, **asked
    )


async def listed(api: Api) -> list[dict[str, Any]]:
    """All tokens, page by page."""
    items: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": 3}
    while True:
        page = (await api.call("GET", TOKENS, params=query)).json()
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        query["cursor"] = page["next_cursor"]


async def test_a_token_is_shown_once_works_and_ends(api: Api) -> None:
    token = await made(api, name="Büro", scopes=["keys:write", "keys:read"])
    text = token.pop("token")
    assert (token["name"], token["scopes"], token["status"]) == ("Büro", ["keys:read", "keys:write"], "active")
    assert (await by(api, text, "GET", KEYS)).status_code == 200
    (shown,) = [one for one in await listed(api) if one["token_id"] == token["token_id"]]
    assert shown == token
    assert text not in json.dumps(await listed(api))
    await api.services.registry.gate.last_use.write()
    (used,) = [one for one in await listed(api) if one["token_id"] == token["token_id"]]
    assert used["last_used_at"] is not None
    path = f"{TOKENS}/{token['token_id']}"
    assert (await api.call("GET", path)).json() == used
    ended = await api.call("DELETE", f"{TOKENS}/{token['token_id']}", params={"reason": "left"})
    assert (ended.status_code, ended.json()["status"]) == (200, "revoked")
    assert (await api.call("DELETE", f"{TOKENS}/{token['token_id']}")).json()["revoked_at"] == ended.json()[
        "revoked_at"
    ]
    assert (await api.call("GET", path)).json()["revoked_at"] == ended.json()["revoked_at"]
    assert_problem(await by(api, text, "GET", KEYS), 401)
    for method in ("GET", "DELETE"):
        assert_problem(await api.call(method, f"{TOKENS}/AAAAAAAAAAAA"), 404)


async def test_a_token_expires_by_itself(api: Api) -> None:
    token = await made(api, expires_at=format_ms(datetime.now(UTC) + timedelta(seconds=3)))
    assert (await by(api, token["token"], "GET", KEYS)).status_code == 200
    await asyncio.sleep(3.1)
    assert_problem(await by(api, token["token"], "GET", KEYS), 401)
    assert [one["status"] for one in await listed(api) if one["token_id"] == token["token_id"]] == ["expired"]


async def test_a_rotated_token_works_on_for_a_while_and_its_successor_has_its_rights(api: Api) -> None:
    old = await made(api, scopes=["keys:read"], confined_to={"tags": {"customer_id": "acme"}})
    path = f"{TOKENS}/{old['token_id']}/rotate"
    answer = await api.call("POST", path, json={"overlap_s": 3}, headers={"Idempotency-Key": "once"})
    assert answer.status_code == 201, answer.text
    new = answer.json()
    again = await api.call("POST", path, json={"overlap_s": 3}, headers={"Idempotency-Key": "once"})
    assert (again.json(), again.headers["idempotency-replayed"]) == (new, "true")
    assert [new[name] for name in ("name", "scopes", "confined_to")] == [
        old[n] for n in ("name", "scopes", "confined_to")
    ]
    for text in (old["token"], new["token"]):
        assert (await by(api, text, "GET", KEYS)).status_code == 200
    assert_problem(await api.call("POST", path, json={"overlap_s": 3}), 409)
    await asyncio.sleep(3.1)
    assert_problem(await by(api, old["token"], "GET", KEYS), 401)
    assert (await by(api, new["token"], "GET", KEYS)).status_code == 200
    (shown,) = [one for one in await listed(api) if one["token_id"] == old["token_id"]]
    assert (shown["status"], shown["successor"]) == ("expired", new["token_id"])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["keys:all"]}, "scopes"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"confined_to": {}}, "confined_to"),
        ({"confined_to": {"tags": {"model": "x"}}}, "confined_to.tags.model"),
        ({"confined_to": {"customer_id": "acme"}}, "confined_to.customer_id"),
        ({"scopes": ["admin"], "confined_to": {"tags": {"a": "b"}}}, "scopes"),
        ({"scopes": ["audit:read"], "confined_to": {"tags": {"a": "b"}}}, "scopes"),
    ],
)
async def test_a_bad_token_is_refused_by_its_field(api: Api, body: Mapping[str, Any], field: str) -> None:
    answer = await api.call("POST", TOKENS, json={"name": "t", "scopes": ["keys:read"], **body})
    assert_problem(answer, 422)
    assert field in [one["field"] for one in answer.json()["errors"]], answer.text


async def test_who_tries_many_tokens_waits_and_good_ones_go_on(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.services.registry.gate, "_attempts", Attempts(MOST))
    before = await api.head()
    good = (await by(api, api.tokens["reader"], "GET", KEYS)).status_code
    wrong = f"kl-admin-{'A' * 12}-{'b' * 48}"
    statuses = [(await by(api, wrong, "GET", KEYS)).status_code for _ in range(MOST + 5)]
    assert (good, statuses) == (200, [401] * MOST + [429] * 5)
    assert_problem(await by(api, "nonsense", "GET", KEYS), 401)
    refused = await by(api, wrong, "GET", KEYS)
    assert_problem(refused, 429)
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert (await by(api, api.tokens["reader"], "GET", KEYS)).status_code == 200
    assert_problem(await by(api, api.tokens["billing"], "GET", KEYS), 429)
    assert await api.head() == before, "nothing is written for an attempt"


@dataclass
class Confined:
    """A token that is confined to acme, a key of acme's, and one of globex's."""

    api: Api
    token: str
    own: dict[str, Any]
    other: dict[str, Any]

    async def call(self, method: str, path: str, **asked: Any) -> httpx.Response:
        """A request of the confined token's."""
        return await by(self.api, self.token, method, path, **asked)


@pytest.fixture
async def confined(api: Api) -> AsyncIterator[Confined]:
    async with following(api.services.registry.known_keys):
        token = await made(api, scopes=SCOPES, confined_to={"tags": {"customer_id": "acme"}})
        own = await api.make_key(tags={"customer_id": "acme", "env": "prod"})
        other = await api.make_key(tags={"customer_id": "globex", "env": "prod"})
        yield Confined(api, token["token"], own, other)


ESCAPES: tuple[tuple[str, str, dict[str, Any], int], ...] = (
    ("GET", "{other}", {}, 404),
    ("GET", "{other}?at=2099-01-01T00:00:00Z", {}, 404),
    ("GET", "{other}/history", {}, 404),
    ("GET", "{other}/usage", {}, 404),
    ("PATCH", "{other}", {"json": {"description": "mine"}}, 404),
    ("PATCH", "{other}", {"json": {"tags": {"customer_id": "acme"}}}, 404),
    ("DELETE", "{other}", {}, 404),
    ("POST", "{other}/suspend", {"json": {}}, 404),
    ("POST", "{other}/resume", {"json": {}}, 404),
    ("POST", "{other}/rotate", {"json": {"overlap_s": 0}}, 404),
    ("DELETE", "{other}/credentials/{other_id}", {}, 404),
    ("DELETE", "{other}/scheduled/1", {}, 404),
    ("PATCH", "{own}", {"json": {"tags": {"customer_id": "globex"}}}, 403),
    ("PATCH", "{own}", {"json": {"tags": {"customer_id": None}}}, 403),
    ("PATCH", "{own}?effective_at=2026-12-31T00:00:00Z", {"json": {"tags": {"customer_id": "globex"}}}, 403),
    ("PATCH", "{own}?what_if=true", {"json": {"tags": {"env": "x"}}}, 403),
    ("POST", KEYS, {"json": {"tags": {"customer_id": "globex"}}}, 403),
    ("POST", KEYS, {"json": {}}, 403),
    ("POST", f"{KEYS}/bulk-create", {"json": {"items": [{"tags": {"customer_id": "acme"}}, {}]}}, 403),
    (
        "POST",
        f"{KEYS}/bulk-edit",
        {"json": {"select": {"has_tag": "env"}, "patch": {"tags": {"customer_id": "x"}}}},
        403,
    ),
    ("GET", TOKENS, {}, 403),
    ("POST", TOKENS, {"json": {"name": "t", "scopes": ["admin"]}}, 403),
    ("GET", "/admin/prices", {}, 403),
    ("GET", "/audit/verify", {}, 403),
    ("GET", "/billing/focus?since=2026-01-01T00:00:00Z&until=2027-01-01T00:00:00Z", {}, 403),
)


@pytest.mark.parametrize(("method", "path", "asked", "status"), ESCAPES, ids=lambda one: str(one)[:60])
async def test_a_confined_token_does_not_get_out(
    confined: Confined, method: str, path: str, asked: dict[str, Any], status: int
) -> None:
    own, other = (f"{KEYS}/{one['public_id']}" for one in (confined.own, confined.other))
    before = await confined.api.head()
    path = path.format(own=own, other=other, other_id=confined.other["public_id"])
    answer = await confined.call(method, path, **asked)
    assert answer.status_code == status, answer.text
    assert "globex" not in answer.text
    assert confined.other["public_id"] not in answer.text
    assert await confined.api.head() == before


async def test_within_it_all_works(confined: Confined) -> None:
    own = f"{KEYS}/{confined.own['public_id']}"
    assert (await confined.call("GET", own)).status_code == 200
    assert (await confined.call("PATCH", own, json={"tags": {"env": "test", "customer_id": "acme"}})).status_code == 200
    made_one = await confined.call("POST", KEYS, json={"tags": {"customer_id": "acme"}})
    assert made_one.status_code == 201
    page = (await confined.call("GET", KEYS, params={"count": "true"})).json()
    assert ([one["public_id"] for one in page["items"]], page["total"]) == (
        [made_one.json()["public_id"], confined.own["public_id"]], 2
    )  # fmt: skip
    assert (await confined.call("GET", KEYS, params={"tag": "customer_id:globex"})).json()["items"] == []
    edit = {"select": {"status": "active"}, "patch": {"description": "x"}}
    assert (await confined.call("POST", f"{KEYS}/bulk-edit", json=edit)).json()["matched"] == 2
    assert (await confined.call("POST", f"{own}/rotate", json={"overlap_s": 0})).status_code == 201
    for key, code in ((made_one.json(), "valid"), (confined.other, "not_found")):
        verified = await confined.call("POST", "/verify", json={"api_key": key["api_key"]})
        assert verified.json()["code"] == code


async def test_the_past_before_a_key_came_in_is_not_shown_nor_changed(confined: Confined) -> None:
    api, key = confined.api, confined.other
    moved = (await api.patch(key["public_id"], {"tags": {"customer_id": "acme"}})).json()
    path = f"{KEYS}/{key['public_id']}"
    assert (await confined.call("GET", path)).json()["tags"]["customer_id"] == "acme"
    history = (await confined.call("GET", f"{path}/history")).json()["items"]
    assert [one["version"] for one in history] == [2]
    assert_problem(await confined.call("GET", path, params={"at": key["created_at"]}), 404)
    before = {"effective_at": key["created_at"], "reason": "x"}
    assert_problem(await confined.call("PATCH", path, params=before, json={"tags": {"env": "x"}}), 403)
    at = history[0]["effective_at"]
    since = {"effective_at": at, "reason": "x"}
    await asyncio.sleep(0.01)
    assert (await confined.call("PATCH", path, params=since, json={"tags": {"env": "y"}})).status_code == 200
    await api.patch(key["public_id"], {"tags": {"customer_id": "globex"}})
    assert_problem(await confined.call("GET", path), 404)
    assert moved["version"] == 2


async def test_events_are_those_of_its_keys(confined: Confined) -> None:
    api = confined.api
    await api.patch(confined.own["public_id"], {"tags": {"env": "test"}})
    await api.patch(confined.other["public_id"], {"tags": {"customer_id": "acme"}})
    await api.patch(confined.other["public_id"], {"tags": {"customer_id": "globex"}})
    page = (await confined.call("GET", "/admin/events", params={"limit": 1000})).json()
    assert [(one["type"], one["subject"]) for one in page["items"]] == [
        ("keyledger.KeyCreated.v1", confined.own["public_id"]),
        ("keyledger.TagsChanged.v1", confined.own["public_id"]),
        ("keyledger.TagsChanged.v1", confined.other["public_id"]),
    ]
    assert "globex" not in json.dumps(page)
    assert page["next_after"] == await api.head()
