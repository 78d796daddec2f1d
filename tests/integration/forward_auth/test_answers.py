"""What a proxy is answered, over HTTP as nginx, Envoy and Traefik speak it."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp

from keyledger.http.forward_auth.answers import MAX_TAGS_BYTES
from keyledger.runtime.serving.server import bind_tcp, serving
from registry.errors import DatabaseAway, LogBroken, RegistryError
from tests.support.api.service import Api, assert_problem
from tests.support.odd_texts import TAKEN

KEYS = "/admin/api-keys"
UNKNOWN = f"sk-t0-{'A' * 12}-{'b' * 48}"


def bearer(text: str) -> dict[str, str]:
    """The header of a client of a model."""
    return {"Authorization": f"Bearer {text}"}


def assert_refused(answer: httpx.Response, status: int, code: str) -> None:
    """A problem with the code, that asks for a key where that would help."""
    assert_problem(answer, status)
    assert answer.headers["keyledger-code"] == code
    assert answer.headers.get("www-authenticate") == ("Bearer" if status == 401 else None)
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("POST", "/openai/v1/chat/completions?a=b"), ("OPTIONS", "/x%20y"), ("PURGE", "/metrics")],
)
async def test_a_key_that_works_is_let_through_whatever_is_asked_for(
    api: Api, proxy: httpx.AsyncClient, method: str, path: str
) -> None:
    made = await api.make_key(tags={"customer_id": "acme"}, organization="eu", workspace="100% Büro")
    rotated = (await api.call("POST", f"{KEYS}/{made['public_id']}/rotate", json={"overlap_s": 60})).json()
    answer = await proxy.request(method, path, headers=bearer(rotated["api_key"]))
    assert (answer.status_code, answer.content) == (200, b"")
    said = {name: value for name, value in answer.headers.items() if name.startswith("keyledger-")}
    assert said.pop("keyledger-request-id")
    assert said == {
        "keyledger-code": "valid",
        "keyledger-public-id": made["public_id"],
        "keyledger-credential-id": rotated["credentials"][1]["credential_id"],
        "keyledger-organization": "eu",
        "keyledger-workspace": "100%25%20B%C3%BCro",
        "keyledger-position": str(await api.head()),
        "keyledger-tags": '{"customer_id":"acme"}',
    }
    assert unquote(said["keyledger-workspace"]) == "100% Büro"


async def test_each_end_of_a_key_has_its_status_and_its_code(api: Api, proxy: httpx.AsyncClient) -> None:
    made = await api.make_key(expiration="2099-01-01T00:00:00Z")
    headers, key = bearer(made["api_key"]), f"{KEYS}/{made['public_id']}"
    assert (await proxy.get("/", headers=headers)).status_code == 200
    await api.call("POST", f"{key}/suspend")
    assert_refused(await proxy.get("/", headers=headers), 403, "suspended")
    await api.call("POST", f"{key}/resume")
    assert (await proxy.get("/", headers=headers)).status_code == 200
    rotated = (await api.call("POST", f"{key}/rotate", json={"overlap_s": 0})).json()
    assert (await proxy.get("/", headers=bearer(rotated["api_key"]))).status_code == 200
    assert_refused(await proxy.get("/", headers=headers), 403, "expired")
    await api.call("DELETE", key)
    for text in (made["api_key"], rotated["api_key"]):
        assert_refused(await proxy.get("/", headers=bearer(text)), 403, "revoked")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "missing"),
        ({"Authorization": ""}, "missing"),
        ({"Authorization": f"Basic {UNKNOWN}"}, "malformed"),
        ({"Authorization": UNKNOWN}, "malformed"),
        ({"Authorization": "Bearer"}, "malformed"),
        (bearer(f"{UNKNOWN}, Bearer {UNKNOWN}"), "malformed"),
        (bearer(UNKNOWN[:-1]), "malformed"),
        (bearer("x" * 60_000), "malformed"),
        (bearer("\udce9"), "malformed"),
        (bearer(UNKNOWN), "not_found"),
        ({"x-api-key": UNKNOWN}, "not_found"),
    ],
)
async def test_without_a_known_key_a_proxy_is_to_ask_for_one(
    proxy: httpx.AsyncClient, headers: dict[str, str], code: str
) -> None:
    raw = [(name, value.encode("utf-8", "surrogateescape")) for name, value in headers.items()]
    answer = await proxy.request("GET", "/", headers=[(name.encode(), value) for name, value in raw])
    assert_refused(answer, 401, code)
    assert UNKNOWN not in f"{answer.headers}{answer.text}"


async def test_another_header_may_show_the_key_but_no_two_may_differ(api: Api, proxy: httpx.AsyncClient) -> None:
    """What is behind the proxy could take the one that was not looked up."""
    one, other = [(await api.make_key())["api_key"] for _ in range(2)]
    for headers in ({"X-Api-Key": one}, {"X-Api-Key": one, **bearer(one)}):
        assert (await proxy.get("/", headers=headers)).status_code == 200
    for shown in ([("x-api-key", other), *bearer(one).items()], [*bearer(one).items(), *bearer(other).items()]):
        assert_refused(await proxy.get("/", headers=shown), 401, "malformed")
    assert_refused(await proxy.get("/", headers={"X-Api-Key": one, "Authorization": "Basic eDp5"}), 401, "malformed")


async def test_any_tag_comes_back_as_it_is(api: Api, proxy: httpx.AsyncClient) -> None:
    names = [f"tag-{number}" for number in range(64)]
    for some in (TAKEN[:64], TAKEN[64:128], TAKEN[128:]):
        tags = dict(zip(names, some, strict=False))
        answer = await proxy.get("/", headers=bearer((await api.make_key(tags=tags))["api_key"]))
        value = answer.headers["keyledger-tags"]
        assert json.loads(value) == tags
        assert value.isascii()
        assert value.isprintable()
    answer = await proxy.get("/", headers=bearer((await api.make_key())["api_key"]))
    assert answer.headers["keyledger-tags"] == "{}"


async def test_tags_that_are_too_long_for_a_header_are_left_out_and_never_cut(
    api: Api, proxy: httpx.AsyncClient
) -> None:
    tags = {f"tag-{number}": "é" * 128 for number in range(12)}
    answer = await proxy.get("/", headers=bearer((await api.make_key(tags=tags))["api_key"]))
    assert (answer.status_code, answer.headers["keyledger-tags"]) == (200, "")
    few = dict(list(tags.items())[:10])
    value = (await proxy.get("/", headers=bearer((await api.make_key(tags=few))["api_key"]))).headers["keyledger-tags"]
    assert json.loads(value) == few
    assert MAX_TAGS_BYTES * 0.9 < len(value) <= MAX_TAGS_BYTES


@pytest.mark.parametrize("error", [DatabaseAway("host 10.1.2.3 is away"), LogBroken("a row")])
async def test_what_can_not_be_known_is_never_let_through(
    proxy: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, error: RegistryError
) -> None:
    async def away(*_asked: Any) -> Any:
        raise error

    monkeypatch.setattr("registry.verify.known_keys.fetch", away)
    answer = await proxy.get("/", headers=bearer(UNKNOWN))
    assert_problem(answer, 503)
    assert answer.headers["retry-after"] == "1"
    assert "10.1.2.3" not in answer.text


async def test_a_database_that_hangs_is_not_waited_for(
    proxy: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hangs(*_asked: Any) -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr("registry.verify.known_keys.fetch", hangs)
    monkeypatch.setattr("keyledger.http.forward_auth.app.PATIENCE_S", 0.05)
    assert_problem(await proxy.get("/", headers=bearer(UNKNOWN)), 503)


async def test_keys_that_are_not_there_take_few_of_the_connections(
    api: Api, proxy: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody can show keys to a proxy, and the API shares the pool."""
    at_once, most, full, leave = 0, 0, asyncio.Event(), asyncio.Event()

    async def slow(*_asked: Any) -> Any:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        if most == 8:
            full.set()
        await leave.wait()
        at_once -= 1
        return [{"document": None, "head": 1}]

    monkeypatch.setattr("registry.verify.known_keys.fetch", slow)
    asked = [asyncio.create_task(proxy.get("/", headers=bearer(UNKNOWN))) for _ in range(40)]
    await full.wait()
    assert (await api.call("GET", KEYS)).status_code == 200
    leave.set()
    assert {answer.status_code for answer in await asyncio.gather(*asked)} == {401}
    assert most == 8


async def test_nothing_of_a_request_reaches_a_log_and_its_times_are_measured(
    api: Api, proxy: httpx.AsyncClient, metrics: CollectorRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "keyledger")
    text = (await api.make_key())["api_key"]
    caplog.clear()
    for shown in (text, UNKNOWN):
        await proxy.get(f"/secret-path?{shown}", headers=bearer(shown))
    lines = [record for record in caplog.records if record.name == "keyledger.http"]
    assert [record.levelno for record in lines] == [logging.DEBUG] * 2, "each use of a model would be a line"
    assert all(word not in caplog.text for word in (text[6:], UNKNOWN[6:], "secret-path"))
    labels = {"method": "GET", "route": "forward-auth"}
    for status in ("200", "401"):
        name = "keyledger_forward_auth_seconds_count"
        assert metrics.get_sample_value(name, {**labels, "status": status}) == 1


async def test_a_body_is_not_waited_for(api: Api, listener: ASGIApp) -> None:
    """A proxy that passes the head on as it came promises a body, and sends none."""
    text = (await api.make_key())["api_key"]
    bound = bind_tcp("127.0.0.1", 0)
    async with serving([(listener, bound)]):
        reader, writer = await asyncio.open_connection(*bound.getsockname())
        head = (
            f"POST /v1 HTTP/1.1\r\nHost: models.example\r\nAuthorization: Bearer {text}\r\nContent-Length: 100\r\n\r\n"
        )
        writer.write(head.encode())
        async with asyncio.timeout(5):
            assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
        writer.close()
