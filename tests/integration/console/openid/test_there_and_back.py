"""The way to the provider and back: nobody else can end it, and it leads nowhere else."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.util import urlsafe_b64encode

from tests.support.api.service import Api
from tests.support.console import ORIGIN, Browser, browser
from tests.support.openid_log_ins import BEGIN, gone_to, logged_in_at
from tests.support.openid_provider import OpenIdProvider


async def test_a_log_in_begins_where_the_provider_leads_back_to(api: Api) -> None:
    other = Browser(httpx.AsyncClient(transport=httpx.ASGITransport(api.app), base_url="http://127.0.0.1:8080"))
    answer = await other.get(f"{BEGIN}?next=/console/keys/new")
    assert answer.headers["location"] == f"{ORIGIN}{BEGIN}?next=%2Fconsole%2Fkeys%2Fnew&here=true"
    assert "set-cookie" not in answer.headers
    assert "/authorize?" in (await other.get(f"{BEGIN}?here=true")).headers["location"], "once"
    vars(api.services.settings)["console_url"] = ORIGIN.replace("http:", "https:")
    assert "Secure" in (await browser(api).get(BEGIN)).headers["set-cookie"]


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
