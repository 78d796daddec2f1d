"""The feed of events: by page, waited for, and as server-sent events that are resumed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest

from keyledger.runtime.serving.server import bind_tcp, serving
from registry.publish.cloudevent import read_value
from registry.tokens.service import NewToken
from tests.support.api.service import OPERATOR, Api, assert_problem

EVENTS = "/admin/events"
SSE = {"Accept": "text/event-stream"}


async def page(api: Api, **query: Any) -> tuple[list[dict[str, Any]], int]:
    """The events of a page, and where it goes on."""
    answer = await api.call("GET", EVENTS, params=query)
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert answer.headers["keyledger-position"] == str(shown["next_after"])
    return shown["items"], shown["next_after"]


async def test_pages_are_the_log_as_the_topic_carries_it(api: Api) -> None:
    made = await api.make_key(tags={"customer_id": "Zoë 🗝"})
    await api.patch(made["public_id"], {"description": "x"})
    head = await api.head()
    seen: list[dict[str, Any]] = []
    after = 0
    while True:
        items, following = await page(api, after=after, limit=2)
        assert len(items) <= 2
        if not items:
            assert following == after == head
            break
        seen += items
        after = following
    assert [int(event["id"]) for event in seen] == list(range(1, head + 1))
    log = api.services.registry.log
    recorded = await log.read(0, head)
    for event, expected in zip(seen, recorded, strict=True):
        record = read_value(json.dumps(event).encode())
        assert record.log_id == str(log.log_id)
        assert record.linked.event.hash == expected.hash
    assert made["api_key"] not in json.dumps(seen)


async def test_types_are_looked_for_and_the_page_says_how_far(api: Api) -> None:
    for number in range(3):
        key = (await api.make_key(tags={"n": str(number)}))["public_id"]
        await api.patch(key, {"description": "x"})
    head = await api.head()
    items, following = await page(api, type=["KeyDescribed"], limit=2)
    assert [event["type"] for event in items] == ["keyledger.KeyDescribed.v1"] * 2
    assert following == int(items[-1]["id"])
    items, following = await page(api, type=["keyledger.KeyDescribed.v1", "KeyRevoked"], after=following)
    assert (len(items), following) == (1, head)


async def test_who_waits_gets_what_comes(api: Api) -> None:
    head = await api.head()
    assert await page(api, after=head, wait_s=0) == ([], head)
    waiting = asyncio.create_task(page(api, after=head, wait_s=30))
    await asyncio.sleep(0.2)
    key = await api.make_key()
    async with asyncio.timeout(10):
        items, following = await waiting
    assert ([event["subject"] for event in items], following) == ([key["public_id"]], head + 1)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"after": "x"}, "after"),
        ({"after": 10**9}, "after"),
        ({"type": "KeyMade"}, "type"),
        ({"limit": 1001}, "limit"),
        ({"limit": 0}, "limit"),
        ({"wait_s": 31}, "wait_s"),
        ({"wait_s": -1}, "wait_s"),
    ],
)
async def test_what_can_not_be_asked_is_refused_by_its_field(shared_api: Api, query: Any, field: str) -> None:
    answer = await shared_api.call("GET", EVENTS, params=query)
    assert_problem(answer, 422)
    assert {error["field"].split(".")[0] for error in answer.json()["errors"]} == {field}


async def test_only_a_token_of_the_scope_reads_it(shared_api: Api) -> None:
    assert_problem(await shared_api.call("GET", EVENTS, by="auditor"), 403)
    assert_problem(await shared_api.call("GET", EVENTS, by="reader", headers=SSE), 403)
    assert_problem(await shared_api.call("GET", EVENTS, headers={**SSE, "Last-Event-ID": "x"}), 422)
    assert_problem(await shared_api.call("GET", EVENTS, headers={**SSE, "Last-Event-ID": "999999"}), 422)


@asynccontextmanager
async def stream(
    client: httpx.AsyncClient, api: Api, *, by: str = "admin", **asked: Any
) -> AsyncIterator[AsyncIterator[tuple[int, dict[str, Any]]]]:
    """Server-sent events: the id of each, and its data."""
    headers = {**SSE, **api.bearer(by), **asked.pop("headers", {})}
    async with client.stream("GET", EVENTS, headers=headers, timeout=30, **asked) as answer:
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"

        async def events() -> AsyncIterator[tuple[int, dict[str, Any]]]:
            fields: dict[str, str] = {}
            async for line in answer.aiter_lines():
                if line:
                    name, _, value = line.partition(": ")
                    fields[name] = value
                else:
                    if "id" in fields:
                        assert "event" not in fields
                        yield int(fields["id"]), json.loads(fields["data"])
                    fields = {}

        yield events()


async def test_a_stream_goes_on_where_it_was_cut_off(api: Api) -> None:
    bound = bind_tcp("127.0.0.1", 0)
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    async with serving([(api.app, bound)]), httpx.AsyncClient(base_url=url) as client, asyncio.timeout(60):
        keys = [(await api.make_key())["public_id"] for _ in range(3)]
        seen: list[tuple[int, str]] = []
        async with stream(client, api, params={"type": "KeyCreated"}) as events:
            async for position, data in events:
                assert data["type"] == "keyledger.KeyCreated.v1"
                assert data["id"] == str(position)
                seen.append((position, data["subject"]))
                if len(seen) == 2:
                    break
        keys.append((await api.make_key())["public_id"])
        last = {"Last-Event-ID": str(seen[-1][0])}
        async with stream(client, api, params={"type": "KeyCreated", "after": "0"}, headers=last) as events:
            async for position, data in events:
                seen.append((position, data["subject"]))
                if len(seen) == 4:  # all that were there: the next one comes while it is waited for
                    keys.append((await api.make_key())["public_id"])
                if len(seen) == 5:
                    break
    assert [subject for _, subject in seen] == keys
    assert sorted(seen) == seen


async def test_a_stream_ends_whole_when_the_server_stops(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others that are under way have their grace; what has no end is not waited for."""
    monkeypatch.setattr("keyledger.runtime.serving.server.GRACE_S", 600)
    bound = bind_tcp("127.0.0.1", 0)
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    async with asyncio.timeout(60), httpx.AsyncClient(base_url=url) as client, AsyncExitStack() as server:
        await server.enter_async_context(serving([(api.app, bound)]))
        await api.make_key()
        async with stream(client, api) as events:
            await anext(events)
            await server.aclose()
            assert [position async for position, _ in events][-1] == await api.head(), "it ends, and is not broken off"


async def test_a_stream_ends_with_its_token(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keyledger.http.events.feed._ALIVE_S", 0.05)
    made_token = await api.services.registry.tokens.create(NewToken("feed", ("events:read",)), OPERATOR)
    created, text = made_token.token, made_token.text
    bound = bind_tcp("127.0.0.1", 0)
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    async with serving([(api.app, bound)]), httpx.AsyncClient(base_url=url) as client, asyncio.timeout(60):
        headers = {**SSE, "Authorization": f"Bearer {text}"}
        async with client.stream("GET", EVENTS, headers=headers, params={"after": await api.head()}) as answer:
            lines = answer.aiter_lines()
            assert await anext(lines) == "retry: 1000"
            await api.services.registry.tokens.revoke(created.token_id, OPERATOR)
            async for _ in lines:
                pass
    assert answer.is_closed
