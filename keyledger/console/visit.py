"""One request of somebody who is logged in: what they may see, what they ask of the API, and the page that they get."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl, urlencode

import httpx
from fastapi import Request
from fastapi.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from keyledger.client.async_client import AsyncClient
from keyledger.client.call import Call
from keyledger.client.errors import Problem
from keyledger.console.answers import html
from keyledger.console.navigation import Part, parts_of
from keyledger.console.progress import Progress
from keyledger.http.answer.problem import BadRequest
from keyledger.http.inner_call import InnerCall, mark
from keyledger.http.request.request_body import bounded_body
from keyledger.runtime.services import Services
from registry.sessions.store import Session

T = TypeVar("T")
COOKIE: Final = "keyledger_session"
MAX_FORM_BYTES: Final = 262_144
# A bill over everything takes a while.
_ASK_S: Final = 600.0
_MAX_FIELDS: Final = 2_000


class NotLoggedIn(Exception):
    """Nobody is logged in, or not any more."""


class FormRefused(Exception):
    """A form that this page did not make, or that is too large."""


class Form:
    """The fields of a form that a page of ours made."""

    def __init__(self, fields: list[tuple[str, str]]) -> None:
        self._fields = fields

    @property
    def once(self) -> str:
        """An idempotency key: the same where the same form with the same fields is sent again. Raises FormRefused."""
        if not self.get("once"):
            raise FormRefused("the form lacks a field of its page: load that again and repeat what you did")
        filled = urlencode([one for one in self._fields if one[0] != "csrf"])
        return f"{self.get('once')[:64]}-{sha256(filled.encode()).hexdigest()[:16]}"

    def get(self, name: str) -> str:
        """What was filled in, without blanks around it; empty where nothing was."""
        return next((value.strip() for key, value in self._fields if key == name), "")

    def all(self, name: str) -> list[str]:
        """What was filled in of each field of the name."""
        return [value.strip() for key, value in self._fields if key == name]

    def rows(self, *names: str) -> list[tuple[str, ...]]:
        """The rows of a table of fields, without those that are empty."""
        rows = zip(*map(self.all, names), strict=False)
        return [row for row in rows if any(row)]


@dataclass(frozen=True, slots=True)
class Visit:
    """The request, the session, and the client of the API in this process, whose calls `progress` watches."""

    request: Request
    session: Session = field(repr=False)
    client: AsyncClient = field(repr=False)
    progress: Progress = field(repr=False)

    async def ask(self, call: Call[T]) -> T:
        """What the call asks for. Raises ClientError."""
        return await self.client.send(call)

    def may(self, scope: str) -> bool:
        """Whether the person has the scope."""
        return self.session.principal.allows(scope)

    @property
    def services(self) -> Services:
        """What is behind the API, for what that does not give."""
        services: Services = self.request.app.state.services
        return services

    @property
    def name(self) -> str:
        """Who it is, for people."""
        token = self.session.principal.token
        return self.session.principal.person or ("operator" if token is None else token.name)

    @property
    def parts(self) -> list[Part]:
        """The parts of the console for the person."""
        return parts_of(self.session.principal)

    @property
    def csrf(self) -> str:
        """What each form of this session has in it."""
        return hmac.new(self.session.id.encode(), b"keyledger.console.csrf", sha256).hexdigest()

    async def form(self) -> Form:
        """The form that was sent. Raises FormRefused for one that is not of a page of this session."""
        if not is_same_origin(self.request):
            raise FormRefused("the form was sent by another site")
        form = await read_form(self.request)
        if not hmac.compare_digest(form.get("csrf").encode(), self.csrf.encode()):
            raise FormRefused("the form is of another session: load the page again and repeat what you did")
        return form

    def page(self, template: str, status: int = 200, **given: Any) -> HTMLResponse:
        """A page with the frame around it."""
        return html(template, status, visit=self, once=secrets.token_urlsafe(16), **given)

    def form_page(self, template: str, problem: Problem | None, **given: Any) -> HTMLResponse:
        """A page with a form, which keeps what was typed and shows what the API refused of it, if it did."""
        faults = {} if problem is None else problem.messages()
        return self.page(template, 200 if problem is None else problem.status, problem=problem, faults=faults, **given)


def is_same_origin(request: Request) -> bool:
    """Whether a page of this very origin sent the request, by the browser's own word."""
    origin = request.headers.get("origin")
    if origin is None:  # no browser that knows our cookie's SameSite leaves it out of a POST
        return False
    host = request.headers.get("host", "")
    # Behind a proxy that does not say so, a page that came by https is taken for one of http.
    return origin in {f"{request.url.scheme}://{host}", f"https://{host}"}


async def read_form(request: Request) -> Form:
    """The fields of a form. Raises FormRefused."""
    try:
        body = await bounded_body(request, MAX_FORM_BYTES)
    except BadRequest:
        raise FormRefused("the form is larger than 256 KiB") from None
    try:
        fields = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors="strict")
    except ValueError:
        raise FormRefused("the form can't be read") from None
    return Form(fields)


def client_for(api: ASGIApp, session: Session, progress: Progress) -> AsyncClient:
    """A client of the API in this process that asks as the session's person."""
    # As long as the secret of a token, see repeat_keys.
    call = InnerCall(session.principal, sha256(session.id.encode()).hexdigest()[:48])

    async def marked(scope: Scope, receive: Receive, send: Send) -> None:
        async def watched(message: Message) -> None:
            progress.watch(message)
            await send(message)

        mark(scope, call)
        progress.begin(scope)
        await api(scope, receive, watched)

    transport = httpx.ASGITransport(app=marked, raise_app_exceptions=False)
    http = httpx.AsyncClient(transport=transport, base_url="http://console", timeout=_ASK_S)
    return AsyncClient.over(http, on_behalf_of=session.principal.person)
