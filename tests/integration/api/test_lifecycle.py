"""A key over HTTP that is suspended and resumed, rotated with an overlap and at once, and loses single credentials."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from typing import Any

import httpx
import pytest

from registry.instant import parse_instant
from tests.support.api.service import Api, assert_problem

KEYS = "/admin/api-keys"


async def post(api: Api, public_id: str, what: str, body: Any = None, **options: Any) -> httpx.Response:
    """The answer to one of the calls."""
    return await api.call("POST", f"{KEYS}/{public_id}/{what}", json=body, **options)


async def good(answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    """The key of an answer that must be good."""
    assert answer.status_code == status, answer.text
    key: dict[str, Any] = answer.json()
    assert int(answer.headers["keyledger-position"]) >= key["position"]
    return key


async def events(api: Api, public_id: str) -> list[dict[str, Any]]:
    """The key's history."""
    items: list[dict[str, Any]] = (await api.call("GET", f"{KEYS}/{public_id}/history")).json()["items"]
    return items


async def test_a_suspended_key_is_shown_listed_and_resumed(api: Api) -> None:
    made = await api.make_key(tags={"customer_id": "acme"})
    other = await api.make_key()
    key = made["public_id"]
    suspended = await good(await post(api, key, "suspend", {"reason": "invoice unpaid"}))
    assert (suspended["status"], suspended["version"], suspended["tags"]) == ("suspended", 2, made["tags"])
    assert suspended.keys() == made.keys() - {"api_key"}
    listed = await api.call("GET", KEYS, params={"status": "suspended"})
    assert listed.json()["items"] == [suspended]
    active = await api.call("GET", KEYS, params={"status": "active"})
    assert [one["public_id"] for one in active.json()["items"]] == [other["public_id"]]
    assert (await good(await post(api, key, "suspend", {"reason": "again"}))) == suspended
    resumed = await good(await post(api, key, "resume", {"reason": "invoice paid"}))
    assert (resumed["status"], resumed["version"]) == ("active", 3)
    assert (await good(await post(api, key, "resume"))) == resumed
    told = await events(api, key)
    assert [(one["type"], one["reason"], one["data"]) for one in told[1:]] == [
        ("KeySuspended", "invoice unpaid", {}),
        ("KeyResumed", "invoice paid", {}),
    ]
    then = await api.call("GET", f"{KEYS}/{key}", params={"at": told[1]["effective_at"]})
    if told[1]["effective_at"] != told[2]["effective_at"]:
        assert then.json()["status"] == "suspended"


async def test_a_body_may_be_left_out_and_says_who_asked_for_it(api: Api) -> None:
    key = (await api.make_key())["public_id"]
    headers = {"Keyledger-On-Behalf-Of": "Ada Lovelace"}
    answer = await api.call("POST", f"{KEYS}/{key}/suspend", headers=headers)
    assert (await good(answer))["status"] == "suspended"
    assert [(one["reason"], one["on_behalf_of"]) for one in await events(api, key)][1] == (None, "Ada Lovelace")


@pytest.mark.parametrize("what", ["suspend", "resume"])
async def test_a_client_that_names_json_and_sends_none_is_no_wrong_one(api: Api, what: str) -> None:
    key = (await api.make_key())["public_id"]
    for kind in ("application/json", "Application/JSON; charset=utf-8"):
        answer = await api.call("POST", f"{KEYS}/{key}/{what}", headers={"Content-Type": kind})
        assert (await good(answer))["public_id"] == key
    answer = await api.call("POST", f"{KEYS}/{key}/{what}", headers={"Content-Type": "text/plain"})
    assert answer.status_code == 415


async def test_a_rotation_shows_its_secret_once_and_both_ids_lead_to_the_key(api: Api) -> None:
    made = await api.make_key(tags={"customer_id": "acme"}, description="x")
    key = made["public_id"]
    rotated = await good(await post(api, key, "rotate", {"overlap_s": 3600}), 201)
    secret = rotated.pop("api_key")
    old, new = rotated["credentials"]
    assert re.fullmatch(rf"sk-t0-{new['credential_id']}-[A-Za-z0-9]{{48}}", secret)
    assert secret != made["api_key"]
    assert (rotated["public_id"], rotated["tags"], rotated["status"]) == (key, made["tags"], "active")
    assert old["credential_id"] == key
    expected = parse_instant(new["created_at"]) + timedelta(hours=1)
    assert (parse_instant(old["expires_at"]), old["revoked_at"]) == (expected, None)
    assert (new["expires_at"], new["revoked_at"]) == (None, None)
    for any_id in (key, new["credential_id"]):
        shown = await api.call("GET", f"{KEYS}/{any_id}")
        assert shown.json() == rotated
        assert secret[-48:] not in shown.text
    assert secret[-48:] not in (await api.call("GET", f"{KEYS}/{key}/history")).text
    moved = await api.patch(new["credential_id"], {"tags": {"customer_id": "globex"}})
    assert (moved.json()["public_id"], moved.json()["tags"]) == (key, {"customer_id": "globex"})


async def test_a_compromised_secret_ends_with_the_rotation(api: Api) -> None:
    key = (await api.make_key())["public_id"]
    await good(await post(api, key, "rotate", {"overlap_s": 0}), 201)
    rotated = await good(await post(api, key, "rotate", {"compromised": True}), 201)
    first, second, third = rotated["credentials"]
    assert first["expires_at"] == second["created_at"]
    assert (second["expires_at"], third["expires_at"]) == (third["created_at"], None)
    data = (await events(api, key))[2]["data"]
    assert (data["compromised"], data["expires_at"]) == (True, third["created_at"])
    assert data["retired"] == [second["credential_id"]]


async def test_a_suspended_key_can_be_rotated_and_an_expired_one_can_not(api: Api) -> None:
    key = (await api.make_key())["public_id"]
    await post(api, key, "suspend")
    rotated = await good(await post(api, key, "rotate", {"compromised": True}), 201)
    assert rotated["status"] == "suspended"
    soon = (await api.make_key())["public_id"]
    at = parse_instant(rotated["credentials"][1]["created_at"]) + timedelta(milliseconds=700)
    assert (await api.patch(soon, {"expiration": at.isoformat()})).status_code == 200
    async with asyncio.timeout(10):
        while (await api.call("GET", f"{KEYS}/{soon}")).json()["status"] != "expired":
            pass
    assert_problem(await post(api, soon, "rotate", {"overlap_s": 1}), 409)
    assert (await good(await post(api, soon, "suspend")))["status"] == "suspended"


async def test_one_credential_is_revoked_by_any_id_of_its_key_and_a_repeat_answers_the_same(api: Api) -> None:
    key = (await api.make_key())["public_id"]
    new = (await good(await post(api, key, "rotate", {"overlap_s": 60}), 201))["credentials"][1]["credential_id"]
    path = f"{KEYS}/{new}/credentials/{key}"
    first = await good(await api.call("DELETE", path, params={"reason": "laptop lost"}))
    old, kept = first["credentials"]
    assert (old["revoked_at"] is None, kept["revoked_at"], first["status"]) == (False, None, "active")
    assert await good(await api.call("DELETE", path, params={"reason": "again"})) == first
    told = (await events(api, key))[-1]
    assert (told["type"], told["reason"]) == ("CredentialRevoked", "laptop lost")
    assert told["data"] == {"credential_id": key}
    both = await good(await api.call("DELETE", f"{KEYS}/{key}/credentials/{new}"))
    assert all(one["revoked_at"] for one in both["credentials"])
    await api.call("DELETE", f"{KEYS}/{key}")
    assert (await api.call("DELETE", path)).status_code == 200  # it was done before


@pytest.mark.parametrize("what", ["suspend", "rotate"])
async def test_calls_at_once_leave_one_story(api: Api, what: str) -> None:
    key = (await api.make_key())["public_id"]
    body = {"overlap_s": 60} if what == "rotate" else {}
    answers = await asyncio.gather(*(post(api, key, what, body) for _ in range(20)))
    shown = (await api.call("GET", f"{KEYS}/{key}")).json()
    if what == "suspend":
        assert ({one.status_code for one in answers}, shown["version"]) == ({200}, 2)
        return
    assert ({one.status_code for one in answers}, shown["version"]) == ({201}, 21)
    assert len({one.json()["api_key"] for one in answers}) == 20
    alive = [one["credential_id"] for one in shown["credentials"] if one["expires_at"] is None]
    assert alive == [max(answers, key=lambda one: one.json()["version"]).json()["credentials"][-1]["credential_id"]]
