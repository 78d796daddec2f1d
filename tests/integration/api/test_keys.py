"""The life of a key over HTTP: issued once, shown, moved, corrected, listed, revoked, with its history."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from registry.instant import format_ms, parse_instant
from tests.support.api.service import Api, assert_problem

KEYS = "/admin/api-keys"
FIELDS = {
    *("public_id", "tags", "description", "organization", "workspace", "status", "created_at", "expiration"),
    *("revoked_at", "credentials", "scheduled", "position", "version"),
}


def ahead(text: str, ms: int) -> str:
    """An instant some milliseconds after another."""
    return format_ms(parse_instant(text) + timedelta(milliseconds=ms))


def position(answer: httpx.Response) -> int:
    """The position that an answer carries."""
    return int(answer.headers["keyledger-position"])


async def show(api: Api, public_id: str, **query: str | int) -> dict[str, Any]:
    """A key as it is, or was."""
    answer = await api.call("GET", f"{KEYS}/{public_id}", params=query)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def test_a_new_key_shows_its_secret_once_and_never_again(api: Api) -> None:
    expiration = "2099-01-01T01:00:00.1239+01:00"
    body = {"tags": {"customer_id": "acme"}, "description": "two\nlines", "expiration": expiration}
    answer = await api.call("POST", KEYS, json=body)
    made = answer.json()
    assert answer.status_code == 201
    assert made.keys() == FIELDS | {"api_key"}
    assert re.fullmatch(rf"sk-t0-{made['public_id']}-[A-Za-z0-9]{{48}}", made["api_key"])
    assert made["tags"] == {"customer_id": "acme"}
    assert (made["description"], made["status"], made["revoked_at"]) == ("two\nlines", "active", None)
    assert made["expiration"] == "2099-01-01T00:00:00.123Z"
    assert (made["organization"], made["workspace"], made["version"]) == ("default", "default", 1)
    assert made["position"] == position(answer) == await api.head()
    assert made["credentials"] == [
        {
            "credential_id": made["public_id"],
            "created_at": made["created_at"],
            "expires_at": None,
            "revoked_at": None,
        }
    ]
    secret = made.pop("api_key")
    assert await show(api, made["public_id"]) == made
    for path in (KEYS, f"{KEYS}/{made['public_id']}", f"{KEYS}/{made['public_id']}/history"):
        assert secret[-48:] not in (await api.call("GET", path)).text


async def test_a_merge_patch_sets_removes_and_leaves(api: Api) -> None:
    key = (await api.make_key(tags={"a": "1", "b": "2"}, description="x"))["public_id"]
    merge = {"Content-Type": "application/merge-patch+json"}
    answer = await api.call("PATCH", f"{KEYS}/{key}", content=b'{"tags": {"a": null, "c": "3"}}', headers=merge)
    assert answer.json()["tags"] == {"b": "2", "c": "3"}
    assert answer.json()["description"] == "x"
    answer = await api.patch(key, {"description": None, "expiration": "2099-01-01T00:00:00Z"})
    assert (answer.json()["description"], answer.json()["version"]) == (None, 4)
    before = await api.head()
    nothing: dict[str, Any]
    for nothing in ({}, {"tags": {}}, {"tags": {"b": "2", "zzz": None}}, {"expiration": "2099-01-01T00:00:00.0009Z"}):
        answer = await api.patch(key, nothing)
        assert (answer.status_code, answer.json()["version"]) == (200, 4)
        assert position(answer) == before == await api.head()


async def test_a_backdated_correction_needs_scope_and_reason_and_shows_at_every_instant(api: Api) -> None:
    made = await api.make_key(tags={"customer_id": "acme"})
    key, created = made["public_id"], made["created_at"]
    await api.patch(key, {"tags": {"env": "prod"}})
    body = {"tags": {"customer_id": "globex"}}
    assert_problem(await api.patch(key, body, by="writer", effective_at=created, reason="x"), 403)
    assert_problem(await api.patch(key, body, effective_at=created), 422, "reason")
    before = await api.head()
    corrected = await api.patch(key, body, effective_at=created, reason="wrong customer")
    assert corrected.json()["tags"] == {"customer_id": "globex", "env": "prod"}
    assert (await show(api, key, at=created))["tags"]["customer_id"] == "globex"
    assert (await show(api, key, at=created, known_at=before))["tags"]["customer_id"] == "acme"
    assert (await show(api, key, known_at=before))["tags"] == {"customer_id": "acme", "env": "prod"}
    assert (await show(api, key, at="2099-01-01T00:00:00Z"))["tags"] == {"customer_id": "globex", "env": "prod"}


async def test_an_edit_applies_at_its_instant_and_after_and_not_a_millisecond_before(api: Api) -> None:
    made = await api.make_key(tags={"customer_id": "acme"})
    key, at = made["public_id"], ahead(made["created_at"], 1)
    await show(api, key)  # by now, that millisecond has passed
    moved = await api.patch(key, {"tags": {"customer_id": "globex"}}, effective_at=at, reason="moved")
    assert moved.status_code == 200, moved.text
    assert (await show(api, key, at=made["created_at"]))["tags"] == {"customer_id": "acme"}
    assert (await show(api, key, at=at))["tags"] == {"customer_id": "globex"}


async def test_a_revocation_is_for_good_and_a_repeat_answers_the_same(api: Api) -> None:
    made = await api.make_key(tags={"a": "1"})
    key = made["public_id"]
    first = await api.call("DELETE", f"{KEYS}/{key}", params={"reason": "leaked"})
    assert first.json()["status"] == "revoked"
    again = await api.call("DELETE", f"{KEYS}/{key}", params={"reason": "again"})
    assert again.json() == first.json() == await show(api, key)
    assert position(again) == position(first)
    assert_problem(await api.patch(key, {"tags": {"a": "2"}}), 409)
    assert_problem(await api.patch(key, {"expiration": None}), 409)
    late = await api.patch(key, {"tags": {"a": "2"}}, effective_at=first.json()["revoked_at"], reason="x")
    assert_problem(late, 409)
    past = await api.patch(key, {"tags": {"a": "2"}}, effective_at=made["created_at"], reason="x")
    assert (past.status_code, past.json()["tags"]) == (200, {"a": "2"})
    assert (await api.patch(key, {"description": "gone"})).json()["description"] == "gone"
    assert (await show(api, key, at=made["created_at"]))["status"] == "active"


async def test_the_history_says_who_what_when_and_why_also_after_revocation(api: Api) -> None:
    who = {"Keyledger-On-Behalf-Of": "Ada Lövelace".encode()}
    made = (await api.call("POST", KEYS, json={"tags": {"a": "1"}}, headers=who)).json()
    path = f"{KEYS}/{made['public_id']}"
    await api.call("PATCH", path, json={"tags": {"a": None}}, params={"reason": "tidy"}, by="writer")
    await api.call("DELETE", path, params={"reason": "over"})
    pages: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await api.call("GET", f"{path}/history", params={"limit": 2, **cursor})
        assert position(answer) == await api.head()
        pages += answer.json()["items"]
        if answer.json()["next_cursor"] is None:
            break
        cursor = {"cursor": answer.json()["next_cursor"]}
    assert [event["type"] for event in pages] == ["KeyCreated", "TagsChanged", "KeyRevoked"]
    assert [event["version"] for event in pages] == [1, 2, 3]
    assert [event["reason"] for event in pages] == [None, "tidy", "over"]
    assert [event["on_behalf_of"] for event in pages] == ["Ada Lövelace", None, None]
    assert [event["actor"] for event in pages] == [f"token-{api.token_ids[n]}" for n in ("admin", "writer", "admin")]
    assert pages[1]["data"] == {"set": {}, "remove": ["a"]}
    assert pages[0].keys() == {
        *("position", "version", "type", "recorded_at", "effective_at", "actor", "on_behalf_of", "reason", "data")
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", pages[0]["recorded_at"])
    assert pages[0]["effective_at"] == made["created_at"]


async def test_lists_page_newest_first_and_filter_by_tags_and_status(api: Api) -> None:
    tags = [{"customer_id": "acme", "path": "a:b"}, {"customer_id": "acme"}, {"customer_id": "globex"}, {}, {}]
    ids = [(await api.make_key(tags=one))["public_id"] for one in tags]
    await api.call("DELETE", f"{KEYS}/{ids[1]}")
    soon = format_ms(datetime.now(UTC) + timedelta(milliseconds=400))
    assert (await api.patch(ids[4], {"expiration": soon})).status_code == 200

    async def listed(*pairs: tuple[str, str | int]) -> list[str]:
        answer = await api.call("GET", KEYS, params=list(pairs))
        assert answer.status_code == 200, answer.text
        return [item["public_id"] for item in answer.json()["items"]]

    assert await listed() == ids[::-1]
    assert await listed(("tag", "customer_id:acme")) == [ids[1], ids[0]]
    assert await listed(("tag", "customer_id:acme"), ("tag", "path:a:b")) == [ids[0]]
    assert await listed(("tag", "customer_id:acme"), ("tag", "customer_id:globex")) == []
    assert await listed(("tag", "customer_id:acme"), ("status", "active")) == [ids[0]]
    assert await listed(("status", "revoked")) == [ids[1]]
    assert await listed(("status", "suspended")) == []
    async with asyncio.timeout(10):
        while await listed(("status", "expired")) != [ids[4]]:
            assert (await listed(("status", "active")))[0] in {ids[4], ids[3]}
    assert (await show(api, ids[4]))["status"] == "expired"

    seen: list[str] = []
    cursor = None
    while True:
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = (await api.call("GET", KEYS, params=query)).json()
        seen += [item["public_id"] for item in page["items"]]
        if not seen[2:]:
            ids.append((await api.make_key())["public_id"])  # a newer key does not move the pages after
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ids[4::-1]


async def test_edits_at_once_all_apply_and_none_is_lost(api: Api) -> None:
    key = (await api.make_key())["public_id"]
    answers = await asyncio.gather(*(api.patch(key, {"tags": {f"t{number}": "v"}}) for number in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert sorted(answer.json()["version"] for answer in answers) == list(range(2, 52))
    assert len((await show(api, key))["tags"]) == 50


async def test_a_key_is_full_at_64_tags_however_they_came(api: Api) -> None:
    key = (await api.make_key(tags={f"t{number}": "v" for number in range(63)}))["public_id"]
    answers = await asyncio.gather(*(api.patch(key, {"tags": {f"u{number}": "v"}}) for number in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 422, 422, 422, 422]
    assert len((await show(api, key))["tags"]) == 64


@pytest.mark.parametrize("path", ["/healthz", "/metrics", "/openapi.json", "/docs"])
async def test_what_machines_look_at_needs_no_token(api: Api, path: str) -> None:
    assert (await api.client.get(path)).status_code == 200
