"""A provider that fails, and a crowd before it: what people read, and what they wait for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from fastapi.responses import JSONResponse, RedirectResponse, Response, StreamingResponse

from keyledger.http.app import public_app
from tests.support.api.service import Api
from tests.support.console import browser
from tests.support.openid_log_ins import BEGIN, logged_in_at
from tests.support.openid_provider import Claims, OpenIdProvider

FAILURES: dict[str, tuple[str, Response, str]] = {
    "no JSON": ("/.well-known/openid-configuration", Response("<html>"), "no JSON object"),
    "a list": ("/.well-known/openid-configuration", JSONResponse([]), "no JSON object"),
    "an error": ("/.well-known/openid-configuration", Response(status_code=503), "answered 503"),
    "a redirect": ("/.well-known/openid-configuration", RedirectResponse("/keys"), "answered 307"),
    "much": ("/.well-known/openid-configuration", Response(b" " * (2 << 20)), "more than 1 MiB"),
    "deep": ("/.well-known/openid-configuration", Response(b"[" * 100_000), "no JSON object"),
    "no keys": ("/keys", Response(status_code=404), "answered 404"),
}


async def test_an_answer_without_an_end_is_not_waited_for(
    api: Api, provider: OpenIdProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def drops() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.01)

    monkeypatch.setattr("keyledger.console.openid.provider._LOG_IN_S", 0.3)
    provider.answers["/.well-known/openid-configuration"] = StreamingResponse(drops())
    answer = await browser(api).get(BEGIN)
    assert (answer.status_code, "did not answer within 0.3 s" in answer.text) == (503, True)


@pytest.mark.parametrize("failure", FAILURES)
async def test_a_provider_that_fails_is_named_with_what_it_said(
    api: Api, provider: OpenIdProvider, failure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keyledger.console.openid.provider._LEFT_ALONE_S", 0)
    path, failing, words = FAILURES[failure]
    provider.answers[path] = failing
    answer = await browser(api).get(BEGIN)
    assert answer.status_code == 503
    assert words in answer.text
    assert urlsplit(provider.issuer).netloc + path in answer.text
    assert (await browser(api).log_in(api.tokens["admin"])).status_code == 303, "tokens work on"
    provider.answers.clear()
    assert (await browser(api).get(BEGIN)).status_code == 303, "once it is well, people get in"


async def test_a_provider_that_fails_is_asked_once_by_a_crowd(api: Api, provider: OpenIdProvider) -> None:
    provider.answers["/.well-known/openid-configuration"] = Response(status_code=503)
    answers = await asyncio.gather(*(browser(api).get(BEGIN) for _ in range(20)))
    assert {one.status_code for one in answers} == {503}
    answered = ["answered 503" in one.text for one in answers]
    assert sum(answered) == 8
    assert all("Many people log in just now" in one.text for one in answers if "answered 503" not in one.text)
    assert "answered 503" in (await browser(api).get(BEGIN)).text
    assert len(provider.asked) == 1


@pytest.mark.parametrize(
    "about",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": None},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": "file:///etc/passwd"},
        {"token_endpoint": "https://[bad"},
        {"userinfo_endpoint": "ftp://example"},
        {"token_endpoint": ["https://a.example"]},
    ],
)
async def test_metadata_that_can_not_be_right_is_refused(api: Api, provider: OpenIdProvider, about: Claims) -> None:
    provider.about = about
    answer = await browser(api).get(BEGIN)
    assert answer.status_code == 503
    assert "passwd" not in answer.text


async def test_a_provider_that_is_away_is_named(api: Api) -> None:
    registry = api.services.registry
    settings = registry.settings.model_copy(update={"openid_issuer": "http://127.0.0.1:1"})
    app = public_app(replace(api.services, registry=replace(registry, settings=settings)))
    answer = await browser(replace(api, app=app)).get(BEGIN)
    assert (answer.status_code, "127.0.0.1:1/.well-known" in answer.text) == (503, True)


async def test_odd_answers_of_the_provider_are_its_failures(api: Api, provider: OpenIdProvider) -> None:
    provider.about = {"token_endpoint_auth_methods_supported": True}
    assert (await logged_in_at(api, provider))[1].status_code == 200
    token = {"access_token": "\u00fc", "id_token": "a.b.c"}
    for odd in (token, {"id_token": 7}, {"id_token": ["a"]}, {}):
        provider.answers["/token"] = JSONResponse(odd)
        assert (await logged_in_at(api, provider))[1].status_code == 503


async def test_a_client_without_a_secret_and_one_that_sends_it_in_the_body(api: Api, provider: OpenIdProvider) -> None:
    provider.about = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    assert (await logged_in_at(api, provider))[1].status_code == 200
    provider.secret = None
    vars(api.services.settings)["openid_client_secret"] = None
    assert (await logged_in_at(api, provider))[1].status_code == 200
    provider.secret = "another"
    answer = (await logged_in_at(api, provider))[1]
    assert (answer.status_code, "the error invalid_client" in answer.text) == (503, True)


async def test_who_fails_often_waits(api: Api, provider: OpenIdProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.app.state.provider.attempts, "_most", 2)  # type: ignore[attr-defined]
    provider.people["anna"]["groups"] = []
    assert [(await logged_in_at(api, provider))[1].status_code for _ in range(3)] == [403, 403, 429]
    asked = len(provider.asked)
    assert (await logged_in_at(api, provider))[1].status_code == 429
    assert len(provider.asked) == asked, "the provider is not asked"
