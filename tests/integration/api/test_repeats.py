"""Idempotency-Key: a lost answer never leaves an orphan key, and nothing is done twice."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from sqlalchemy import text

from tests.support.api.service import OPERATOR, Api, assert_problem
from tests.support.servers.databases import Database

KEYS = "/admin/api-keys"
REPLAYED = "idempotency-replayed"
BODY = {"tags": {"customer_id": "acme"}, "description": "Schlüssel"}


async def send(api: Api, key: str, method: str = "POST", path: str = KEYS, **asked: Any) -> httpx.Response:
    """A request under an idempotency key."""
    headers = {"Idempotency-Key": key, **asked.pop("headers", {})}
    return await api.call(method, path, headers=headers, **asked)


def same(first: httpx.Response, again: httpx.Response) -> bool:
    """Whether an answer is the first one again, and says so."""
    assert REPLAYED not in first.headers
    assert again.headers[REPLAYED] == "true"
    kept = ("content-type", "keyledger-position", "etag", "cache-control")
    return (first.status_code, first.content, [first.headers.get(name) for name in kept]) == (
        again.status_code,
        again.content,
        [again.headers.get(name) for name in kept],
    )


async def test_a_lost_answer_is_got_again_with_its_secret(api: Api, other_api: Api) -> None:
    key = str(uuid4())
    first = await send(api, key, json=BODY)
    head = await api.head()
    assert first.status_code == 201
    assert first.json()["api_key"].startswith("sk-t0-")
    assert same(first, await send(api, key, json=BODY))
    assert same(first, await send(other_api, key, json=BODY)), "another process, or the same one started again"
    assert await api.head() == head
    assert len((await api.call("GET", KEYS)).json()["items"]) == 1


async def test_every_change_of_a_key_can_be_repeated(api: Api) -> None:
    made = await api.make_key(tags={"customer_id": "acme"})
    key = f"{KEYS}/{made['public_id']}"
    calls: list[tuple[str, str, Any]] = [
        ("PATCH", key, {"tags": {"customer_id": "globex"}}),
        ("POST", f"{key}/suspend", {"reason": "unpaid"}),
        ("POST", f"{key}/resume", None),
        ("POST", f"{key}/rotate", {"overlap_s": 60}),
        ("DELETE", f"{key}/credentials/{made['public_id']}", None),
        ("DELETE", key, None),
    ]
    answers = []
    for number, (method, path, body) in enumerate(calls):
        asked = {} if body is None else {"json": body}
        answers.append(await send(api, f"change-{number}", method, path, **asked))
        assert answers[-1].status_code in {200, 201}, answers[-1].text
    head = await api.head()
    for number, (method, path, body) in enumerate(calls):
        asked = {} if body is None else {"json": body}
        assert same(answers[number], await send(api, f"change-{number}", method, path, **asked)), path
    assert await api.head() == head


async def test_another_request_under_the_key_is_refused(api: Api) -> None:
    key = str(uuid4())
    first = await send(api, key, json=BODY)
    head = await api.head()
    for method, path, asked in (
        ("POST", KEYS, {"json": {}}),
        ("POST", f"{KEYS}?x=1", {"json": BODY}),
        ("DELETE", f"{KEYS}/{first.json()['public_id']}", {}),
        ("PATCH", f"{KEYS}/{first.json()['public_id']}", {"json": {"description": "x"}}),
    ):
        assert_problem(await send(api, key, method, path, **asked), 422, "Idempotency-Key")
    assert await api.head() == head
    assert same(first, await send(api, key, json=BODY))


async def test_each_token_has_its_own_keys(api: Api) -> None:
    key = str(uuid4())
    ids = {(await send(api, key, json=BODY, by=by)).json()["public_id"] for by in ("admin", "writer")}
    assert len(ids) == 2


async def test_of_many_at_once_in_two_processes_one_is_done(api: Api, other_api: Api) -> None:
    key = str(uuid4())
    answers = await asyncio.gather(*(send(one, key, json=BODY) for _ in range(10) for one in (api, other_api)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    made = {answer.json()["api_key"] for answer in answers if answer.status_code == 201}
    assert len(made) == 1
    busy = [answer for answer in answers if answer.status_code == 409]
    assert all(answer.headers["retry-after"] == "1" for answer in busy)
    assert len((await api.call("GET", KEYS)).json()["items"]) == 1


async def test_a_refusal_is_kept_and_what_passes_is_not(api: Api) -> None:
    key = str(uuid4())
    wrong = {"tags": {"": "x"}}
    first = await send(api, key, json=wrong)
    assert_problem(first, 422)
    assert same(first, await send(api, key, json=wrong))
    gone = await send(api, "gone", "DELETE", f"{KEYS}/AAAAAAAAAAAA")
    assert_problem(gone, 404)
    assert same(gone, await send(api, "gone", "DELETE", f"{KEYS}/AAAAAAAAAAAA"))
    forbidden = await send(api, "forbidden", json=BODY, by="reader")
    assert_problem(forbidden, 403)
    assert same(forbidden, await send(api, "forbidden", json=BODY, by="reader"))
    assert_problem(await send(api, "revoked", json=BODY, by="revoked"), 401)
    async with api.services.registry.engine.connect() as connection:
        kept = await connection.scalar(text("SELECT count(*) FROM keyledger.kept_answer"))
    assert kept == 3, "of the 401 nothing is kept"


async def test_a_refusal_that_was_a_success_in_memory_is_kept(api: Api, other_api: Api) -> None:
    """What another process wrote in between is decided on, and the answer of that decision counts."""
    await api.make_key()
    rules = {"tags": {"customer_id": {"required": True}}, "closed": False}
    assert (await other_api.call("PUT", "/admin/tag-policy", json=rules)).status_code == 200
    refused = await send(api, "create-1", json={})
    assert refused.status_code == 422
    assert (await other_api.call("PUT", "/admin/tag-policy", json={"tags": {}, "closed": False})).status_code == 200
    assert same(refused, await send(api, "create-1", json={}))
    assert (await send(api, "create-2", json={})).status_code == 201


async def test_what_is_kept_is_not_shown_to_a_token_that_was_revoked(api: Api) -> None:
    key = str(uuid4())
    await send(api, key, json=BODY, by="writer")
    await api.services.registry.tokens.revoke(api.token_ids["writer"], OPERATOR)
    assert_problem(await send(api, key, json=BODY, by="writer"), 401)


@pytest.mark.parametrize("value", ["", "x" * 256, "a b", "a\tb", "é".encode()])
async def test_a_key_that_is_none_is_refused(shared_api: Api, value: Any) -> None:
    answer = await shared_api.call("POST", KEYS, json=BODY, headers={"Idempotency-Key": value})
    assert_problem(answer, 422, "Idempotency-Key")


async def test_two_keys_are_none(shared_api: Api) -> None:
    headers = [("Idempotency-Key", "a"), ("Idempotency-Key", "b"), *shared_api.bearer("admin").items()]
    answer = await shared_api.client.post(KEYS, json=BODY, headers=headers)
    assert_problem(answer, 422, "Idempotency-Key")


async def test_a_body_over_the_limit_is_refused_as_ever(shared_api: Api) -> None:
    answer = await send(shared_api, "large", content=b" " * (2 << 20), headers={"Content-Type": "application/json"})
    assert_problem(answer, 413)


async def test_after_a_day_the_key_is_free_and_the_row_is_swept(api: Api, database: Database) -> None:
    key = str(uuid4())
    first = await send(api, key, json=BODY)
    owner = await asyncpg.connect(database.owner_url.replace("postgresql+asyncpg", "postgresql"))
    try:
        await owner.execute("UPDATE keyledger.kept_answer SET kept_at = kept_at - interval '24 hours'")
        second = await send(api, key, json=BODY)
        assert second.status_code == 201
        assert REPLAYED not in second.headers
        assert second.json()["public_id"] != first.json()["public_id"]
        await send(api, "another", json=BODY)
        await owner.execute(
            "UPDATE keyledger.kept_answer SET kept_at = kept_at - interval '24 hours' "
            "WHERE kept_at = (SELECT min(kept_at) FROM keyledger.kept_answer)"
        )
        await api.services.registry.kept_answers.sweep()
        assert await owner.fetchval("SELECT count(*) FROM keyledger.kept_answer") == 1
    finally:
        await owner.close()


async def test_the_table_alone_says_neither_what_was_asked_nor_what_was_answered(api: Api, database: Database) -> None:
    key = "customer-acme-first-key"
    secret = (await send(api, key, json=BODY)).json()["api_key"]
    owner = await asyncpg.connect(database.owner_url.replace("postgresql+asyncpg", "postgresql"))
    try:
        rows = await owner.fetch("SELECT * FROM keyledger.kept_answer")
    finally:
        await owner.close()
    assert len(rows) == 1
    dumped = b"".join(bytes(value) for value in rows[0].values() if isinstance(value, bytes))
    for word in (key, secret, secret.rpartition("-")[2], "acme", "Schl", api.tokens["admin"], "sk-t0", "public_id"):
        assert word.encode() not in dumped
