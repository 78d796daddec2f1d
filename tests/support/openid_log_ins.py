"""Log-ins of people at the provider of the tests, by browsers without a screen."""

from __future__ import annotations

import json

import httpx

from tests.support.api.service import Api
from tests.support.console import Browser, browser
from tests.support.openid_provider import OpenIdProvider

ANNA = {"email": "anna@example.com", "email_verified": True, "groups": ["staff", "finance"]}
BEGIN = "/console/login/openid"


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
