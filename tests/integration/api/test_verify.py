"""POST /verify: what is said of a key that somebody shows, from memory, and never later than the log allows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from time import monotonic
from typing import Any

import pytest

from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from registry.db.connection import fetch
from registry.verify.known_keys import KnownKeys, following
from tests.support.api.service import Api, assert_problem, open_api
from tests.support.servers.databases import Database

KEYS = "/admin/api-keys"
UNKNOWN = f"sk-t0-{'A' * 12}-{'b' * 48}"


@pytest.fixture
async def tailed(api: Api) -> AsyncIterator[Api]:
    """The API, with the tail that feeds its memory."""
    async with following(api.services.registry.known_keys):
        yield api


@pytest.fixture
async def other(tailed: Api, database: Database, clickhouse: ClickHouse) -> AsyncIterator[Api]:
    """Another process on the same database, with a tail of its own."""
    async with open_api(database, clickhouse, Names()) as made, following(made.services.registry.known_keys):
        yield Api(made.app, made.client, made.services, tailed.tokens, tailed.token_ids)


async def verify(api: Api, text: str) -> dict[str, Any]:
    """What is said of a key's text."""
    answer = await api.call("POST", "/verify", json={"api_key": text})
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    assert said["valid"] is (said["code"] == "valid")
    assert answer.headers["keyledger-position"] == str(said["position"])
    return said


async def test_each_end_of_a_key_has_its_code_at_once(tailed: Api) -> None:
    made = await tailed.make_key(
        tags={"customer_id": "acme"}, organization="eu", workspace="w", expiration="2099-01-01T00:00:00Z"
    )
    text, key = made["api_key"], f"{KEYS}/{made['public_id']}"
    assert await verify(tailed, text) == {
        "valid": True, "code": "valid", "public_id": made["public_id"], "credential_id": made["public_id"],
        "tags": {"customer_id": "acme"}, "organization": "eu", "workspace": "w",
        "expires_at": "2099-01-01T00:00:00.000Z", "position": (await verify(tailed, text))["position"],
    }  # fmt: skip
    await tailed.patch(made["public_id"], {"tags": {"customer_id": "globex"}})
    assert (await verify(tailed, text))["tags"] == {"customer_id": "globex"}
    await tailed.call("POST", f"{key}/suspend")
    assert (await verify(tailed, text))["code"] == "suspended"
    await tailed.call("POST", f"{key}/resume")
    assert (await verify(tailed, text))["code"] == "valid"
    second = (await tailed.call("POST", f"{key}/rotate", json={"overlap_s": 3600})).json()
    both = [await verify(tailed, one) for one in (text, second["api_key"])]
    assert [one["code"] for one in both] == ["valid", "valid"]
    assert [one["credential_id"] for one in both] == [one["credential_id"] for one in second["credentials"]]
    assert both[0]["expires_at"] < both[1]["expires_at"], "the old one ends with the overlap"
    await tailed.call("DELETE", f"{key}/credentials/{made['public_id']}")
    assert [(await verify(tailed, one))["code"] for one in (text, second["api_key"])] == ["revoked", "valid"]
    await tailed.call("DELETE", key)
    assert (await verify(tailed, second["api_key"]))["code"] == "revoked"


async def test_what_is_not_known_is_told_nothing(tailed: Api) -> None:
    text = (await tailed.make_key())["api_key"]
    nothing = dict.fromkeys(("public_id", "credential_id", "tags", "organization", "workspace", "expires_at"))
    for shown, code in (
        (UNKNOWN, "not_found"),
        (text[:-1] + ("a" if text[-1] != "a" else "b"), "not_found"),
        ("", "malformed"),
        ("sk-t0-x", "malformed"),
        (text + " ", "malformed"),
        (text.replace("sk-t0", "sk-t1"), "malformed"),
        (tailed.tokens["admin"], "malformed"),
    ):
        said = await verify(tailed, shown)
        assert {name: said[name] for name in nothing} == nothing
        assert said["code"] == code


async def test_a_key_expires_by_itself_also_in_memory(tailed: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (await tailed.make_key(expiration="2099-01-01T00:00:00Z"))["api_key"]
    assert (await verify(tailed, text))["code"] == "valid"

    class Later:
        """A clock that is past it."""

        @staticmethod
        def now(zone: Any) -> Any:
            from datetime import datetime  # noqa: PLC0415 - what it stands for

            return datetime(2099, 1, 1, tzinfo=zone)

    monkeypatch.setattr("registry.verify.known_keys.datetime", Later)
    assert (await verify(tailed, text))["code"] == "expired"


async def test_it_is_answered_from_memory_and_another_process_learns_it_soon(tailed: Api, other: Api) -> None:
    made = await tailed.make_key(tags={"n": "1"})
    for api in (tailed, other):
        assert (await verify(api, made["api_key"]))["valid"]
        assert api.services.registry.known_keys._known.keys() == {made["public_id"]}
    await tailed.call("DELETE", f"{KEYS}/{made['public_id']}")
    revoked_at = monotonic()
    assert (await verify(tailed, made["api_key"]))["code"] == "revoked"
    while (await verify(other, made["api_key"]))["code"] != "revoked":
        assert monotonic() - revoked_at < 5, "a notification takes milliseconds, and the tail looks by itself"
        await asyncio.sleep(0.01)


async def test_without_a_tail_nothing_in_memory_counts(api: Api) -> None:
    """Each key is looked up: later, but never wrong."""
    known = api.services.registry.known_keys
    made = await api.make_key()
    assert (await verify(api, made["api_key"]))["valid"]
    known._read_at = -1000.0
    assert known._in_memory(made["public_id"]) is None
    await api.call("POST", f"{KEYS}/{made['public_id']}/suspend")
    assert (await verify(api, made["api_key"]))["code"] == "suspended"


async def test_what_changes_while_it_is_looked_up_is_not_kept_as_it_was(
    tailed: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await tailed.make_key()

    async def late(*asked: Any) -> Any:
        rows = await fetch(*asked)
        monkeypatch.undo()
        await tailed.call("DELETE", f"{KEYS}/{made['public_id']}")
        return rows

    monkeypatch.setattr("registry.verify.known_keys.fetch", late)
    assert (await verify(tailed, made["api_key"]))["code"] == "valid", "it was, when it was looked up"
    assert (await verify(tailed, made["api_key"]))["code"] == "revoked"


async def test_memory_has_a_limit(api: Api) -> None:
    registry = api.services.registry
    known = KnownKeys(registry.log, registry.engine, most=3)
    async with following(known):
        texts = [(await api.make_key())["api_key"] for _ in range(6)]
        for _ in range(2):
            assert [(await known.verify(text)).code for text in texts] == ["valid"] * 6
        assert len(known._known) == len(known._key_of) == 3


@pytest.mark.parametrize("body", [{}, {"api_key": 1}, {"api_key": None}, {"api_key": "x" * 1001}, {"key": UNKNOWN}])
async def test_a_body_that_is_none_is_refused_without_quoting_it(shared_api: Api, body: Any) -> None:
    answer = await shared_api.call("POST", "/verify", json=body)
    assert_problem(answer, 422)
    assert UNKNOWN not in answer.text


async def test_only_a_token_of_the_scope_asks(shared_api: Api) -> None:
    assert_problem(await shared_api.call("POST", "/verify", by="writer", json={"api_key": UNKNOWN}), 403)
    assert_problem(await shared_api.client.post("/verify", json={"api_key": UNKNOWN}), 401)
