"""nginx, Envoy and Traefik with the configurations of docs/forward-auth.md: what gets through, and what it is said of.

The proxies are real; where they can't be had the tests are skipped with the reason, and fail if CI=true.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from keyledger.runtime.serving.server import bind_tcp, serving
from tests.support.api.service import Api
from tests.support.forward_auth.proxies import PROXIES, programs, running_proxy
from tests.support.servers.broker import missing_service
from tests.support.servers.environments import CannotInstall
from tests.support.servers.kafka_jars import free_port

pytestmark = pytest.mark.xdist_group("proxies")
KEYS = "/admin/api-keys"
UNKNOWN = f"sk-t0-{'A' * 12}-{'b' * 48}"
LIES = {
    f"Keyledger-{name}": "forged"
    for name in (
        "Code", "Public-Id", "Credential-Id", "Organization", "Workspace", "Position", "Tags", "Request-Id",
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Way:
    """A client of a proxy, and what reached the server behind it: the headers of each request."""

    client: httpx.AsyncClient
    arrived: list[dict[str, Any]]


@pytest.fixture(scope="session", autouse=True)
def installed() -> None:
    """The three programs."""
    try:
        programs()
    except CannotInstall as error:
        missing_service(str(error))


@pytest.fixture(params=PROXIES)
async def way(request: pytest.FixtureRequest, listener: ASGIApp, tmp_path: Path) -> AsyncIterator[Way]:
    """Each of the proxies, before a server that says what it gets."""
    arrived: list[dict[str, Any]] = []

    async def behind(scope: Scope, _receive: Receive, send: Send) -> None:
        arrived.append({name.decode(): value.decode("latin-1") for name, value in scope["headers"]})
        await send({"type": "http.response.start", "status": 201, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    keyledger, gateway = bind_tcp("127.0.0.1", 0), bind_tcp("127.0.0.1", 0)
    ports = keyledger.getsockname()[1], gateway.getsockname()[1]
    async with (
        serving([(listener, keyledger), (behind, gateway)]),
        running_proxy(request.param, tmp_path, *ports) as url,
        httpx.AsyncClient(base_url=url, timeout=20) as client,
    ):
        yield Way(client, arrived)


def said(headers: dict[str, str]) -> dict[str, str]:
    """What the server behind reads of Keyledger, but for the request's id."""
    about = {name: value for name, value in headers.items() if name.startswith("keyledger")}
    return {name: value for name, value in about.items() if name != "keyledger-request-id"}


async def test_who_has_a_key_gets_through_with_its_tags_and_can_forge_none(api: Api, way: Way) -> None:
    tags = {"customer_id": "acme", "Kunde": 'Bü"ro, \\ 東京 😀', "b": "x;y=z"}
    made = await api.make_key(tags=tags, organization="eu", workspace="a b")
    for shown in ({"Authorization": f"Bearer {made['api_key']}"}, {"X-Api-Key": made["api_key"]}):
        for body in (b"", b'{"model": "m"}' * 10_000):
            answer = await way.client.post("/v1/chat?x=%20y", headers={**LIES, **shown}, content=body)
            assert (answer.status_code, answer.content) == (201, b"ok"), answer.text
            headers = way.arrived.pop()
            assert json.loads(headers["keyledger-tags"]) == tags
            assert said(headers) == {
                "keyledger-code": "valid",
                "keyledger-public-id": made["public_id"],
                "keyledger-credential-id": made["public_id"],
                "keyledger-organization": "eu",
                "keyledger-workspace": "a%20b",
                "keyledger-position": str(await api.head()),
                "keyledger-tags": headers["keyledger-tags"],
            }
            assert "forged" not in headers.values()
            assert headers.get("authorization", "").endswith(shown.get("Authorization", ""))


async def test_many_tags_fit_and_too_many_are_left_out_and_not_forged(api: Api, way: Way) -> None:
    tags = {f"tag-{number}": "é" * 128 for number in range(12)}
    for some, expected in ((dict(list(tags.items())[:10]), True), (tags, False)):
        text = (await api.make_key(tags=some))["api_key"]
        answer = await way.client.get("/", headers={**LIES, "Authorization": f"Bearer {text}"})
        assert answer.status_code == 201, answer.text
        value = way.arrived.pop().get("keyledger-tags", "")
        assert (json.loads(value) == some) if expected else value == ""


async def test_who_has_none_does_not_get_through_and_reads_why(api: Api, way: Way) -> None:
    made = await api.make_key()
    for headers, code in (({}, "missing"), ({"Authorization": f"Bearer {UNKNOWN}"}, "not_found")):
        answer = await way.client.get("/", headers=headers)
        assert (answer.status_code, answer.headers["keyledger-code"]) == (401, code)
        assert answer.headers["www-authenticate"] == "Bearer"
    shown = {"Authorization": f"Bearer {made['api_key']}"}
    for action, code in (("suspend", "suspended"), ("", "revoked")):
        method, path = ("POST", f"/{action}") if action else ("DELETE", "")
        assert (await api.call(method, f"{KEYS}/{made['public_id']}{path}")).is_success
        answer = await way.client.post("/v1", headers=shown, content=b"x" * 100)
        assert (answer.status_code, answer.headers["keyledger-code"]) == (403, code)
    assert way.arrived == []


async def test_nobody_gets_through_while_it_can_not_be_known(
    api: Api, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (await api.make_key())["api_key"]

    async def away(*_asked: Any) -> Any:
        raise TimeoutError

    monkeypatch.setattr(api.services.registry.known_keys, "_read_at", -1000.0)
    monkeypatch.setattr("registry.verify.known_keys.fetch", away)
    answer = await way.client.post("/v1", headers={"Authorization": f"Bearer {text}"}, content=b"x")
    assert (answer.status_code, way.arrived) == (503, [])


@pytest.mark.parametrize("name", PROXIES)
async def test_nobody_gets_through_while_keyledger_is_down(name: str, tmp_path: Path) -> None:
    arrived: list[Scope] = []

    async def behind(scope: Scope, _receive: Receive, _send: Send) -> None:
        arrived.append(scope)

    gateway = bind_tcp("127.0.0.1", 0)
    async with (
        serving([(behind, gateway)]),
        running_proxy(name, tmp_path, free_port(), gateway.getsockname()[1]) as url,
        httpx.AsyncClient(base_url=url, timeout=20) as client,
    ):
        answer = await client.get("/", headers={"Authorization": f"Bearer {UNKNOWN}"})
    assert (answer.status_code, arrived) == (500 if name == "traefik" else 503, [])
