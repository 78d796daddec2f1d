"""Webhooks over HTTP: made, listed, tested, rotated, deleted, and never to where nothing may be sent."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from keyledger.runtime.workers import webhook_sender
from keyledger.settings import Settings
from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from registry.background import running
from tests.support.api.service import Api, assert_problem, open_api
from tests.support.servers.databases import Database
from tests.support.waiting import eventually
from tests.support.webhook_receiver import Receiver, receiving

HOOKS = "/admin/webhooks"
NOBODY = "7d9f1c1e-6f0a-4b6b-9a3e-2f1f5b0c8d4e"
PUBLIC = "https://93.184.216.34/events"
REFUSED = (
    "http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f.1/", "http://0/", "http://localhost/",
    "http://10.1.2.3/", "http://172.16.0.1/", "http://192.168.0.1/", "http://169.254.169.254/latest/meta-data/",
    "http://100.64.0.1/", "http://224.0.0.1/", "http://255.255.255.255/", "http://0.0.0.0/",
    "http://[::1]/", "http://[::]/", "http://[fe80::1]/", "http://[fc00::1]/", "http://[ff02::1]/",
    "http://[::ffff:127.0.0.1]/", "http://[::ffff:a9fe:a9fe]/", "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/",
    "http://[::7f00:1]/",
    "ftp://93.184.216.34/", "https://user:hunter2@93.184.216.34/", "https://93.184.216.34/#x", "https://",
    "https://93.184.216.34:0/", "/events", "", f"https://93.184.216.34/{'x' * 2048}",
)  # fmt: skip


@pytest.fixture
async def lenient(database: Database, clickhouse: ClickHouse) -> AsyncIterator[Api]:
    """The API where webhooks may lead to loopback, and repeat soon."""
    settings = Settings(webhook_allow_private=True, webhook_timeout_s=5, webhook_first_pause_s=0.02)
    async with open_api(database, clickhouse, Names(), settings=settings) as made:
        yield made


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver that takes everything."""
    async with receiving() as made:
        yield made


async def make(api: Api, url: str = PUBLIC, **body: Any) -> dict[str, Any]:
    """A new webhook, with its secret."""
    answer = await api.call("POST", HOOKS, json={"url": url, **body})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_the_secret_is_in_the_first_answer_alone(api: Api) -> None:
    await api.make_key()
    answer = await api.call("POST", HOOKS, json={"url": PUBLIC}, headers={"Keyledger-On-Behalf-Of": "Ada"})
    made, head = answer.json(), await api.head()
    assert answer.status_code == 201
    assert made["secret"].startswith("whsec_")
    assert answer.headers["keyledger-position"] == str(head)
    assert (made["url"], made["types"], made["position"], made["on_behalf_of"]) == (PUBLIC, None, head, "Ada")
    assert made["created_by"] == f"token-{api.token_ids['admin']}"
    assert [one["ends_at"] for one in made["secrets"]] == [None]
    listed = await api.call("GET", HOOKS)
    assert listed.headers["keyledger-position"] == str(head)
    assert listed.json()["items"] == [{name: value for name, value in made.items() if name != "secret"}]
    shown = await api.call("GET", f"{HOOKS}/{made['id']}")
    assert shown.json() == listed.json()["items"][0]
    assert shown.headers["keyledger-position"] == str(head)
    assert made["secret"] not in listed.text


@pytest.mark.parametrize("url", REFUSED)
async def test_where_nothing_may_be_sent_is_refused_and_not_quoted(shared_api: Api, url: str) -> None:
    answer = await shared_api.call("POST", HOOKS, json={"url": url})
    assert_problem(answer, 422, "url")
    assert "hunter2" not in answer.text
    assert (await shared_api.call("GET", HOOKS)).json()["items"] == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": None}, "url"),
        ({"url": 1}, "url"),
        ({"url": PUBLIC, "types": []}, "types"),
        ({"url": PUBLIC, "types": ["KeyMade"]}, "types"),
        ({"url": PUBLIC, "types": "KeyCreated"}, "types"),
        ({"url": PUBLIC, "secret": "whsec_x"}, "secret"),
    ],
)
async def test_a_wrong_body_is_refused_by_field(shared_api: Api, body: dict[str, Any], field: str) -> None:
    assert_problem(await shared_api.call("POST", HOOKS, json=body), 422, field)


async def test_types_are_taken_by_name_or_version_and_shown_by_name(api: Api) -> None:
    made = await make(api, types=["keyledger.KeyRevoked.v1", "KeyCreated", "KeyRevoked"])
    assert made["types"] == ["KeyCreated", "KeyRevoked"]


async def test_a_repeated_creation_makes_one_webhook_and_shows_its_secret_again(api: Api) -> None:
    headers = {"Idempotency-Key": "hook-1"}
    first = await api.call("POST", HOOKS, json={"url": PUBLIC}, headers=headers)
    again = await api.call("POST", HOOKS, json={"url": PUBLIC}, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert_problem(await api.call("POST", HOOKS, json={"url": f"{PUBLIC}2"}, headers=headers), 422)
    assert len((await api.call("GET", HOOKS)).json()["items"]) == 1
    rotate, rotating = f"{HOOKS}/{first.json()['id']}/rotate", {"Idempotency-Key": "rotate-1"}
    rotated = [await api.call("POST", rotate, json={"overlap_s": 60}, headers=rotating) for _ in range(2)]
    assert rotated[0].json() == rotated[1].json()
    assert len(rotated[0].json()["secrets"]) == 2


async def test_pages_are_newest_first_and_end(api: Api) -> None:
    made = [(await make(api, f"{PUBLIC}{number}"))["id"] for number in range(5)]
    found: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = (await api.call("GET", HOOKS, params=query)).json()
        found += [one["id"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert found == made[::-1]
    assert_problem(await api.call("GET", HOOKS, params={"cursor": "x"}), 422, "cursor")


async def test_a_deleted_one_is_not_listed_and_a_repeat_answers_the_same(api: Api) -> None:
    made = await make(api)
    path = f"{HOOKS}/{made['id']}"
    deleted = await api.call("DELETE", path)
    assert (deleted.status_code, deleted.json()["secrets"]) == (200, [])
    assert deleted.json()["deleted_at"] is not None
    assert (await api.call("DELETE", path)).json() == deleted.json()
    assert (await api.call("GET", HOOKS)).json()["items"] == []
    for method, rest in (
        ("GET", ""),
        ("POST", "/rotate"),
        ("POST", "/test"),
        ("GET", "/deliveries"),
        ("POST", "/deliveries/1/replay"),
    ):
        assert_problem(await api.call(method, path + rest), 404)


@pytest.mark.parametrize("webhook_id", ["x", NOBODY, NOBODY.upper(), NOBODY.replace("-", "")])
async def test_an_unknown_webhook_is_404(shared_api: Api, webhook_id: str) -> None:
    path = f"{HOOKS}/{webhook_id}"
    for method, rest in (("GET", ""), ("DELETE", ""), ("POST", "/rotate"), ("POST", "/test"), ("GET", "/deliveries"),
                         ("POST", "/deliveries/1/replay"), ("POST", "/deliveries/x/replay")):  # fmt: skip
        assert_problem(await shared_api.call(method, path + rest), 404)


async def test_a_test_is_signed_and_says_what_came_back(lenient: Api, receiver: Receiver) -> None:
    made = await make(lenient, receiver.url)
    path = f"{HOOKS}/{made['id']}/test"
    sent = (await lenient.call("POST", path)).json()
    assert (sent["delivered"], sent["status"], sent["error"]) == (True, 200, None)
    (got,) = receiver.requests
    got.verify(made["secret"])
    assert got.headers["webhook-id"] == sent["message_id"]
    assert got.event["type"] == "keyledger.WebhookTest.v1"
    receiver.answers = lambda _got: 302
    receiver.headers.append((b"location", receiver.url.encode()))
    sent = (await lenient.call("POST", path)).json()
    assert (sent["delivered"], sent["status"]) == (False, 302)
    assert sent["error"] == "it answered 302; redirects are not followed"
    assert len(receiver.requests) == 2
    nobody = await make(lenient, "http://127.0.0.1:9/")
    sent = (await lenient.call("POST", f"{HOOKS}/{nobody['id']}/test")).json()
    assert (sent["delivered"], sent["status"], sent["error"]) == (False, None, "it refuses connections")


async def test_deliveries_are_the_feeds_events_and_are_listed_and_replayed(lenient: Api, receiver: Receiver) -> None:
    made = await make(lenient, receiver.url)
    key = await lenient.make_key(tags={"customer_id": "Zoë 🗝"})
    await lenient.patch(key["public_id"], {"description": "x"})
    fails = True
    receiver.answers = lambda got: 500 if fails and got.event["type"] == "keyledger.KeyDescribed.v1" else 200
    path = f"{HOOKS}/{made['id']}/deliveries"
    async with running(webhook_sender(lenient.services.registry).run()):
        await receiver.until(lambda one: len(one.requests) >= 3)
        failing = (await lenient.call("GET", path, params={"status": "pending"})).json()["items"]
        assert [(one["type"], one["last_status"], one["last_error"]) for one in failing] == [
            ("KeyDescribed", 500, "it answered 500")
        ]
        fails = False
        await receiver.until(lambda one: len(one.taken) == 2)
        found = await eventually(lambda: _items(lenient, path), _ended, timeout_s=10)
        assert [one["position"] for one in found] == [lenient_head := await lenient.head(), lenient_head - 1]
        first = (await lenient.call("GET", path, params={"limit": 1})).json()
        rest = (await lenient.call("GET", path, params={"limit": 1, "cursor": first["next_cursor"]})).json()
        assert first["items"] + rest["items"] == found
        replayed = await lenient.call("POST", f"{path}/{found[1]['position']}/replay")
        assert (replayed.status_code, replayed.json()["status"]) == (200, "pending")
        await receiver.until(lambda one: len(one.taken) == 3)
    feed = (await lenient.call("GET", "/admin/events", params={"after": found[1]["position"] - 1})).text
    for got in receiver.taken:
        assert got.body.decode() in feed, "byte for byte"
        got.verify(made["secret"])
    assert [one["message_id"] for one in found] == [
        receiver.taken[1].headers["webhook-id"],
        receiver.taken[0].headers["webhook-id"],
    ]
    assert key["api_key"] not in "".join(got.body.decode() for got in receiver.requests)


async def test_no_secret_and_no_url_is_in_the_log_of_the_process_or_among_the_events(
    lenient: Api, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("keyledger", "registry"):  # of libraries nothing below a warning is logged
        caplog.set_level(logging.DEBUG, name)
    caplog.set_level(logging.WARNING, "uvicorn")  # the receiver's own
    made = await make(lenient, f"{receiver.url}/path-is-a-secret")
    rotated = (await lenient.call("POST", f"{HOOKS}/{made['id']}/rotate")).json()
    await lenient.make_key()
    receiver.answers = lambda _got: 500
    async with running(webhook_sender(lenient.services.registry).run()):
        await receiver.until(lambda one: len(one.requests) >= 2)
    feed = (await lenient.call("GET", "/admin/events")).text
    registry = lenient.services.registry
    shown = repr(await registry.webhooks.page(None, 10)) + repr(registry)
    for secret in (made["secret"], rotated["secret"]):
        assert secret not in caplog.text + feed + shown
    assert "path-is-a-secret" not in caplog.text + feed


async def test_there_is_a_number_of_webhooks_beyond_which_there_are_no_more(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("registry.webhooks.store.MAX_WEBHOOKS", 2)
    made = [await make(api) for _ in range(2)]
    refused = {"Idempotency-Key": "third"}
    assert_problem(await api.call("POST", HOOKS, json={"url": PUBLIC}, headers=refused), 409)
    await api.call("DELETE", f"{HOOKS}/{made[0]['id']}")
    again = await api.call("POST", HOOKS, json={"url": PUBLIC}, headers=refused)
    assert again.status_code == 201, "nothing was kept of the refusal"


async def test_creations_at_once_under_one_key_make_one(api: Api) -> None:
    calls = [api.call("POST", HOOKS, json={"url": PUBLIC}, headers={"Idempotency-Key": "once"}) for _ in range(5)]
    answers = await asyncio.gather(*calls)
    assert {one.status_code for one in answers} <= {201, 409}
    assert len({one.json()["id"] for one in answers if one.status_code == 201}) == 1
    assert len((await api.call("GET", HOOKS)).json()["items"]) == 1


async def _items(api: Api, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await api.call("GET", path)).json()["items"]
    return found


def _ended(items: list[dict[str, Any]]) -> bool:
    return all(one["ended_at"] is not None for one in items)
