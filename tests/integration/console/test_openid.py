"""People log in at a provider: who comes in as what, and what of a provider or an attacker is not believed."""

from __future__ import annotations

import asyncio
import hmac
import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64encode

from keyledger.http.app import public_app
from keyledger.settings import Settings
from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from registry.keys.events import Confinement
from registry.tokens.service import NewToken
from tests.support.api.service import OPERATOR, Api, open_api
from tests.support.console import ORIGIN, Browser, browser
from tests.support.openid_provider import CLIENT_ID, CLIENT_SECRET, Claims, OpenIdProvider, providing, signed
from tests.support.servers.databases import Database

ANNA = {"email": "anna@example.com", "email_verified": True, "groups": ["staff", "finance"]}
BEGIN = "/console/login/openid"


@pytest.fixture
async def provider() -> AsyncIterator[OpenIdProvider]:
    """A provider that knows Anna of finance."""
    async with providing() as made:
        made.people["anna"] = dict(ANNA)
        yield made


@pytest.fixture
async def api(database: Database, clickhouse: ClickHouse, provider: OpenIdProvider) -> AsyncIterator[Api]:
    """The API, whose console people log in to at the provider; roles come with `roles`."""
    settings = Settings(
        console_url=ORIGIN,
        openid_issuer=provider.issuer,
        openid_client_id=CLIENT_ID,
        openid_client_secret=CLIENT_SECRET,
        openid_roles='{"nobody": "000000000000"}',
    )
    async with open_api(database, clickhouse, Names(), settings=settings) as made:
        roles(made, operations=made.token_ids["admin"], finance=made.token_ids["writer"])
        yield made


def roles(api: Api, **by: str) -> None:
    """Say which token each role stands for. Settings are frozen: those of a test's own API alone are changed."""
    vars(api.services.settings)["openid_roles"] = json.dumps(by)


async def gone_to(visitor: Browser, wanted: str = "/console/keys") -> str:
    """Where the provider's page is, for who wants a page of the console."""
    answer = await visitor.get(f"{BEGIN}?next={wanted}")
    assert answer.status_code == 303, answer.text
    cookie = answer.headers["set-cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=lax", "Path=/console/login", "Max-Age=600"))
    return answer.headers["location"]


async def logged_in_at(
    api: Api, provider: OpenIdProvider, person: str = "anna", wanted: str = "/console/keys"
) -> tuple[Browser, httpx.Response]:
    """A browser that went to the provider and came back, and what it was answered."""
    visitor = browser(api)
    back = provider.come_back(await gone_to(visitor, wanted), person)
    return visitor, await visitor.get(back)


async def test_a_person_comes_in_with_the_scopes_of_their_role_and_stands_in_the_log(
    api: Api, provider: OpenIdProvider
) -> None:
    assert "Log in with 127.0.0.1" in (await browser(api).get("/console/login")).text
    visitor, answer = await logged_in_at(api, provider, wanted="/console/keys/new")
    assert answer.status_code == 200, answer.text
    assert 'content="0; url=/console/keys/new"' in answer.text
    assert "SameSite=strict" in next(
        one for one in answer.headers.get_list("set-cookie") if "keyledger_session=" in one
    )
    page = await visitor.get("/console/keys/new")
    assert "anna@example.com" in page.text
    assert "/console/webhooks" not in page.text, "the token of the role may not"
    made = await visitor.post("/console/keys/new", tag_name="customer_id", tag_value="acme")
    assert made.status_code in {200, 303}, made.text
    [key] = (await api.call("GET", "/admin/api-keys")).json()["items"]
    [event] = (await api.call("GET", f"/admin/api-keys/{key['public_id']}/history")).json()["items"]
    assert event["actor"] == f"token-{api.token_ids['writer']}"
    assert event["on_behalf_of"] == "anna@example.com"


async def test_the_first_role_of_ours_that_somebody_has_counts(api: Api, provider: OpenIdProvider) -> None:
    provider.people["anna"]["groups"] = ["finance", "operations"]
    visitor, _ = await logged_in_at(api, provider)
    assert (await visitor.get("/console/webhooks")).status_code == 200
    roles(api, finance=api.token_ids["reader"], operations=api.token_ids["admin"])
    visitor, _ = await logged_in_at(api, provider)
    assert (await visitor.get("/console/webhooks")).status_code == 403


async def test_the_confinement_of_a_role_is_that_of_its_people(api: Api, provider: OpenIdProvider) -> None:
    await api.make_key(tags={"customer_id": "acme"})
    await api.make_key(tags={"customer_id": "globex"})
    token = NewToken("acme", ("keys:read",), confined_to=Confinement({"customer_id": "acme"}, None, None))
    made = await api.services.registry.tokens.create(token, OPERATOR)
    roles(api, finance=made.token.token_id)
    visitor, _ = await logged_in_at(api, provider)
    page = (await visitor.get("/console/keys")).text
    assert "acme" in page
    assert "globex" not in page


async def test_a_session_ends_with_the_token_of_its_role(api: Api, provider: OpenIdProvider) -> None:
    visitor, _ = await logged_in_at(api, provider)
    await api.services.registry.tokens.revoke(api.token_ids["writer"], OPERATOR)
    assert (await visitor.get("/console/keys")).status_code == 303
    _, answer = await logged_in_at(api, provider)
    assert answer.status_code == 403
    assert f"whose admin token {api.token_ids['writer']} does not work" in answer.text


@pytest.mark.parametrize("groups", [[], ["staff"], "staff", None, {"finance": True}, [["finance"]], 7])
async def test_who_has_no_role_of_ours_stays_out(api: Api, provider: OpenIdProvider, groups: Any) -> None:
    provider.people["anna"]["groups"] = groups
    visitor, answer = await logged_in_at(api, provider)
    assert answer.status_code == 403
    assert "names no role of yours" in answer.text
    assert visitor.session is None


async def test_a_role_may_be_a_text_and_a_claim_may_lie_deep(api: Api, provider: OpenIdProvider) -> None:
    provider.people["anna"]["groups"] = "finance"
    assert (await logged_in_at(api, provider))[1].status_code == 200
    vars(api.services.settings)["openid_roles_claim"] = "realm_access.roles"
    provider.people["anna"] = {**ANNA, "groups": [], "realm_access": {"roles": ["finance"]}}
    assert (await logged_in_at(api, provider))[1].status_code == 200
    vars(api.services.settings)["openid_roles_claim"] = "https://example.com/roles"
    provider.people["anna"] = {**ANNA, "groups": [], "https://example.com/roles": ["finance"]}
    assert (await logged_in_at(api, provider))[1].status_code == 200


async def test_an_address_that_is_not_verified_gives_no_role(api: Api, provider: OpenIdProvider) -> None:
    vars(api.services.settings).update(openid_roles_claim="email", openid_person_claim="name")
    roles(api, **{"anna@example.com": api.token_ids["admin"]})
    provider.people["anna"] |= {"name": "Anna", "email_verified": False}
    assert (await logged_in_at(api, provider))[1].status_code == 403
    provider.people["anna"]["email_verified"] = True
    visitor, _ = await logged_in_at(api, provider)
    assert "Anna" in (await visitor.get("/console/webhooks")).text


async def test_claims_that_the_userinfo_alone_has_are_read_there(api: Api, provider: OpenIdProvider) -> None:
    provider.in_userinfo = frozenset({"email", "email_verified", "groups"})
    _, answer = await logged_in_at(api, provider)
    assert answer.status_code == 200
    vars(api.services.settings)["openid_roles_claim"] = "access.keyledger"
    provider.people["anna"] |= {"access": {"keyledger": ["finance"]}}
    provider.in_userinfo = frozenset({"access"})
    provider.spoil = lambda claims: {**claims, "access": {"others": ["all"]}}
    assert (await logged_in_at(api, provider))[1].status_code == 200, "each claim is looked for"
    provider.answers["/userinfo"] = JSONResponse({"sub": "bert", **ANNA})
    _, answer = await logged_in_at(api, provider)
    assert (answer.status_code, "somebody else than the ID token" in answer.text) == (503, True)


@pytest.mark.parametrize(
    ("person", "words"),
    [
        ({"email": None}, "does not say who you are: the claim email"),
        ({"email": "a" * 201}, "does not say who you are"),
        ({"email": "anna@example.com\nevil"}, "does not say who you are"),
        ({"email_verified": False}, "did not verify your e-mail address"),
        ({"email_verified": "false"}, "did not verify your e-mail address"),
    ],
)
async def test_who_is_not_named_well_stays_out(api: Api, provider: OpenIdProvider, person: Claims, words: str) -> None:
    provider.people["anna"] |= person
    visitor, answer = await logged_in_at(api, provider)
    assert (answer.status_code, words in answer.text) == (403, True), answer.text
    assert visitor.session is None


def without(name: str) -> Any:
    return lambda claims: {key: value for key, value in claims.items() if key != name}


def by_none(_provider: OpenIdProvider, claims: Claims) -> str:
    parts = (json.dumps({"alg": "none"}).encode(), json.dumps(claims).encode())
    return ".".join([*(urlsafe_b64encode(one).decode() for one in parts), ""])


def by_our_secret(_provider: OpenIdProvider, claims: Claims) -> str:
    return jwt.encode(
        {"alg": "HS256"}, claims, OctKey.import_key(CLIENT_SECRET), registry=JWSRegistry(algorithms=["HS256"])
    )


def by_its_public_key(provider: OpenIdProvider, claims: Claims) -> str:
    """What everybody knows, as a secret: joserfc itself would not sign so."""
    parts = (json.dumps({"alg": "HS256", "kid": "first"}).encode(), json.dumps(claims).encode())
    text = b".".join(urlsafe_b64encode(one) for one in parts)
    code = hmac.new(provider.key.as_pem(private=False), text, "sha256").digest()
    return (text + b"." + urlsafe_b64encode(code)).decode()


def by_another_key(_provider: OpenIdProvider, claims: Claims) -> str:
    key = RSAKey.generate_key(2048, {"kid": "first"})
    return jwt.encode({"alg": "RS256", "kid": "first"}, claims, key)


def changed_after(provider: OpenIdProvider, claims: Claims) -> str:
    header, _, signature = signed(provider, claims).split(".")
    return ".".join(
        [header, urlsafe_b64encode(json.dumps({**claims, "groups": ["operations"]}).encode()).decode(), signature]
    )


SPOILT = {
    "another issuer": lambda claims: {**claims, "iss": "https://evil.example"},
    "another client": lambda claims: {**claims, "aud": "somebody-else"},
    "another client too": lambda claims: {**claims, "aud": [CLIENT_ID, "b"], "azp": "b"},
    "ended": lambda claims: {**claims, "exp": int(time.time()) - 600},
    "not yet": lambda claims: {**claims, "nbf": int(time.time()) + 600},
    "another log-in": lambda claims: {**claims, "nonce": "n" * 64},
    "no nonce": without("nonce"),
    "no audience": without("aud"),
    "no end": without("exp"),
    "no subject": without("sub"),
    "an end that is a text": lambda claims: {**claims, "exp": "tomorrow"},
}
FORGED = {one.__name__: one for one in (by_none, by_our_secret, by_its_public_key, by_another_key, changed_after)}


@pytest.mark.parametrize("fault", [*SPOILT, *FORGED, "no token", "a token of rubbish", "an empty token"])
async def test_an_id_token_that_is_not_right_lets_nobody_in(
    api: Api, provider: OpenIdProvider, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    if fault in SPOILT:
        provider.spoil = SPOILT[fault]
    elif fault in FORGED:
        provider.sign = FORGED[fault]
    else:
        texts = {"no token": None, "a token of rubbish": "a.b.c", "an empty token": ""}
        provider.sign = lambda _provider, _claims: texts[fault]  # type: ignore[return-value,assignment]
    visitor, answer = await logged_in_at(api, provider)
    assert answer.status_code == 503, answer.text
    assert "ID token" in answer.text
    assert visitor.session is None
    assert "ID token" in caplog.text
    assert CLIENT_SECRET not in caplog.text + answer.text


async def test_a_provider_that_changes_its_keys_is_asked_for_them_once_more(api: Api, provider: OpenIdProvider) -> None:
    assert (await logged_in_at(api, provider))[1].status_code == 200
    provider.rotate()
    assert (await logged_in_at(api, provider))[1].status_code == 200
    assert (await logged_in_at(api, provider))[1].status_code == 200
    assert provider.asked.count("/keys") == 2
    assert provider.asked.count("/.well-known/openid-configuration") == 1
    provider.sign = lambda own, claims: jwt.encode({"alg": "RS256", "kid": "unknown"}, claims, own.key)
    _, answer = await logged_in_at(api, provider)
    assert (answer.status_code, "a key that" in answer.text) == (503, True)


@pytest.mark.parametrize(
    "odd",
    [
        {"kty": "EC", "crv": "BP-256", "x": "AA", "y": "AA", "kid": "odd"},
        {"kty": "RSA", "kid": 7, "e": "AQAB"},
        {"kty": "RSA", "use": "tls", "n": "AA", "e": "AQAB"},
        {"kty": "oct", "k": "AAAA"},
        {"kty": "AKP", "kid": "new"},
        {},
    ],
)
async def test_keys_of_other_kinds_keep_nobody_out(api: Api, provider: OpenIdProvider, odd: Claims) -> None:
    provider.other_keys = [odd]
    assert (await logged_in_at(api, provider))[1].status_code == 200


async def test_keys_that_were_wrong_once_are_asked_for_again(api: Api, provider: OpenIdProvider) -> None:
    provider.answers["/keys"] = JSONResponse({"keys": []})
    assert (await logged_in_at(api, provider))[1].status_code == 503
    provider.answers.clear()
    assert (await logged_in_at(api, provider))[1].status_code == 200
    provider.key = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})
    assert (await logged_in_at(api, provider))[1].status_code == 200, "another key of the same name"


async def test_a_log_in_begins_where_the_provider_leads_back_to(api: Api) -> None:
    other = Browser(httpx.AsyncClient(transport=httpx.ASGITransport(api.app), base_url="http://127.0.0.1:8080"))
    answer = await other.get(f"{BEGIN}?next=/console/keys/new")
    assert answer.headers["location"] == f"{ORIGIN}{BEGIN}?next=%2Fconsole%2Fkeys%2Fnew&here=true"
    assert "set-cookie" not in answer.headers
    assert "/authorize?" in (await other.get(f"{BEGIN}?here=true")).headers["location"], "once"
    vars(api.services.settings)["console_url"] = ORIGIN.replace("http:", "https:")
    assert "Secure" in (await browser(api).get(BEGIN)).headers["set-cookie"]


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


async def test_another_browser_and_another_site_end_no_log_in(api: Api, provider: OpenIdProvider) -> None:
    """The attacker's own code, given to somebody else: they would work in the attacker's session."""
    attacker, victim = browser(api), browser(api)
    back = provider.come_back(await gone_to(attacker), "anna")
    answer = await victim.get(back)
    assert (answer.status_code, "not begun in this browser" in answer.text) == (400, True)
    await gone_to(victim)
    assert (await victim.get(back)).status_code == 400
    assert victim.session is None
    for cookie in ("", "x", "x.y", ".", "a.____", "é.é", "." * 3000):
        answer = await browser(api).http.get(back, headers=[(b"Cookie", f"keyledger_login={cookie}".encode())])
        assert answer.status_code == 400


async def test_a_code_works_once_and_a_log_in_ends_its_cookie(api: Api, provider: OpenIdProvider) -> None:
    visitor = browser(api)
    back = provider.come_back(await gone_to(visitor), "anna")
    cookie = visitor.http.cookies["keyledger_login"]
    assert (await visitor.get(back)).status_code == 200
    assert "keyledger_login" not in visitor.http.cookies
    thief = browser(api)
    thief.http.cookies.set("keyledger_login", cookie, path="/console/login")
    answer = await thief.get(back)
    assert (answer.status_code, "the error invalid_grant" in answer.text) == (503, True)


async def test_what_is_sent_gives_nothing_away(api: Api) -> None:
    visitor = browser(api)
    address = await gone_to(visitor)
    asked = parse_qs(urlsplit(address).query)
    assert asked["redirect_uri"] == [f"{ORIGIN}/console/login/openid/callback"]
    assert asked["scope"] == ["openid profile email"]
    secret = visitor.http.cookies["keyledger_login"].split(".")[0]
    assert secret not in address
    assert len({asked["state"][0], asked["nonce"][0], asked["code_challenge"][0], secret}) == 4
    assert len({(await gone_to(browser(api))) for _ in range(5)}) == 5


@pytest.mark.parametrize("wanted", ["https://evil.example", "//evil.example", "/console/\\evil", "/admin/api-keys", ""])
async def test_a_log_in_goes_on_in_the_console_alone(api: Api, provider: OpenIdProvider, wanted: str) -> None:
    _, answer = await logged_in_at(api, provider, wanted=wanted)
    assert 'content="0; url=/console"' in answer.text


async def test_a_cookie_that_was_changed_leads_nowhere_else(api: Api, provider: OpenIdProvider) -> None:
    visitor = browser(api)
    back = provider.come_back(await gone_to(visitor), "anna")
    secret = visitor.http.cookies["keyledger_login"].split(".")[0]
    visitor.http.cookies.set(
        "keyledger_login", f"{secret}.{urlsafe_b64encode(b'https://evil.example').decode()}", path="/console/login"
    )
    assert "evil" not in (await visitor.get(back)).text


async def test_what_the_provider_refuses_is_said_without_its_markup(api: Api) -> None:
    visitor = browser(api)
    state = parse_qs(urlsplit(await gone_to(visitor)).query)["state"][0]
    answer = await visitor.get(f"{BEGIN}/callback?state={state}&error=%3Cscript%3Eaccess_denied")
    assert answer.status_code == 403
    assert "did not let you in: it gave no code" in answer.text
    assert "script&gt;" not in answer.text
    state = parse_qs(urlsplit(await gone_to(visitor)).query)["state"][0]
    answer = await visitor.get(f"{BEGIN}/callback?state={state}&error=access_denied")
    assert "did not let you in: access_denied" in answer.text


FAILURES: dict[str, tuple[str, Response, str]] = {
    "no JSON": ("/.well-known/openid-configuration", Response("<html>"), "no JSON object"),
    "a list": ("/.well-known/openid-configuration", JSONResponse([]), "no JSON object"),
    "an error": ("/.well-known/openid-configuration", Response(status_code=503), "answered 503"),
    "a redirect": ("/.well-known/openid-configuration", RedirectResponse("/keys"), "answered 307"),
    "much": ("/.well-known/openid-configuration", Response(b" " * (2 << 20)), "more than 1 MiB"),
    "deep": ("/.well-known/openid-configuration", Response(b"[" * 100_000), "no JSON object"),
    "no keys": ("/keys", Response(status_code=404), "answered 404"),
}


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
