"""Pages of other origins: they read nothing, refusals and failures neither, unless the settings name their origin."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from keyledger.http.app import public_app
from tests.support.api.service import Api, assert_problem

OURS = {"Origin": "https://portal.example"}
EXPOSED = {"Keyledger-Position", "ETag", "Retry-After", "Idempotency-Replayed", "Keyledger-Gateway"}
KEYS = "/admin/api-keys"


@pytest.fixture
async def pages(shared_api: Api) -> AsyncIterator[httpx.AsyncClient]:
    """The API, for pages of two origins."""
    registry = shared_api.services.registry
    settings = registry.settings.model_copy(update={"http_origins": "https://portal.example,http://localhost:5173"})
    services = replace(shared_api.services, registry=replace(registry, settings=settings))
    app = public_app(services)
    app.add_api_route("/breaks", breaks)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://keyledger") as client:
        yield client


async def breaks() -> None:
    """A route with a bug."""
    raise ZeroDivisionError


def assert_readable(answer: httpx.Response, origin: str) -> None:
    assert answer.headers["access-control-allow-origin"] == origin
    assert "Origin" in answer.headers["vary"]
    assert "access-control-allow-credentials" not in answer.headers
    assert set(answer.headers["access-control-expose-headers"].split(", ")) >= EXPOSED


@pytest.mark.parametrize("origin", [OURS["Origin"], "http://localhost:5173"])
async def test_a_named_page_reads_answers_and_refusals(shared_api: Api, pages: httpx.AsyncClient, origin: str) -> None:
    bearer = shared_api.bearer("admin")
    for path, headers, status in (
        (KEYS, bearer, 200),
        (KEYS, {}, 401),
        (f"{KEYS}?limit=x", bearer, 422),
        (f"{KEYS}?limit=%zz", bearer, 400),
        ("/nowhere", {}, 404),
    ):
        answer = await pages.get(path, headers={**headers, "Origin": origin})
        assert answer.status_code == status
        assert_readable(answer, origin)


async def test_a_named_page_reads_failures_too(pages: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    for status in (500, 503):
        answer = await pages.get("/breaks", headers=OURS)
        assert_problem(answer, status)
        assert_readable(answer, OURS["Origin"])
        monkeypatch.setattr("keyledger.http.middleware.guard.MAX_RUNNING", 0)


async def test_a_browser_that_asks_first_is_let_through(pages: httpx.AsyncClient) -> None:
    asked = {
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization,content-type,if-match,idempotency-key,keyledger-on-behalf-of",
    }
    answer = await pages.options(f"{KEYS}/x", headers={**OURS, **asked})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, OURS["Origin"])
    for changed in ({"Origin": "https://evil.example"}, {"Access-Control-Request-Method": "TRACE"}):
        assert_problem(await pages.options(f"{KEYS}/x", headers={**OURS, **asked, **changed}), 400)


@pytest.mark.parametrize("origin", ["https://evil.example", "https://portal.example.evil.example", "null"])
async def test_any_other_page_reads_nothing(shared_api: Api, pages: httpx.AsyncClient, origin: str) -> None:
    answer = await pages.get(KEYS, headers={**shared_api.bearer("admin"), "Origin": origin})
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers


async def test_without_the_setting_no_page_reads_anything(shared_api: Api) -> None:
    answer = await shared_api.call("GET", KEYS, headers=OURS)
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.startswith("access-control")]
    asked = {**OURS, "Access-Control-Request-Method": "GET"}
    assert_problem(await shared_api.client.options(KEYS, headers=asked), 401)
