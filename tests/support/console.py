"""A browser without a screen: follows forms as people do, keeps its cookies, and says what it may not do."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any

import httpx

from tests.support.api.service import Api

ORIGIN = "http://keyledger"
_HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


@dataclass(slots=True)
class Browser:
    """One person's browser."""

    http: httpx.AsyncClient
    headers: dict[str, str] = field(default_factory=lambda: {"Origin": ORIGIN})

    async def get(self, path: str) -> httpx.Response:
        """A page, without going where it leads."""
        return await self.http.get(path)

    async def post(self, path: str, *, of: str | None = None, **fields: Any) -> httpx.Response:
        """A form of the page `of`, or of `path`, with its hidden fields, filled in."""
        page = await self.get(of or path)
        hidden = {name: unescape(value) for name, value in _HIDDEN.findall(page.text)}
        return await self.http.post(path, data={**hidden, **fields}, headers=self.headers)

    async def log_in(self, token: str) -> httpx.Response:
        """Paste an admin token."""
        return await self.post("/console/login", token=token)

    @property
    def session(self) -> str | None:
        """What the cookie holds."""
        return self.http.cookies.get("keyledger_session")


def browser(api: Api) -> Browser:
    """A new browser at the console of an API."""
    return Browser(httpx.AsyncClient(transport=httpx.ASGITransport(api.app), base_url=ORIGIN))


async def logged_in(api: Api, by: str = "admin") -> Browser:
    """A browser of who has one of the tokens."""
    made = browser(api)
    answer = await made.log_in(api.tokens[by])
    assert answer.status_code == 303, answer.text
    return made
