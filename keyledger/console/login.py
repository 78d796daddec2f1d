"""Log in and out: by an admin token, an address that `keyledger console` printed, or at a provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlsplit

from fastapi import Query, Request
from fastapi.responses import Response

from keyledger.console.addresses import within
from keyledger.console.answers import html, see_other
from keyledger.console.routing import LoggedIn, page_router
from keyledger.console.visit import COOKIE, FormRefused, is_same_origin, read_form
from keyledger.http.dependencies import Services, address_of
from keyledger.runtime.registry import Registry
from registry.errors import TooManyAttempts, Unauthenticated
from registry.sessions.store import LASTS

if TYPE_CHECKING:  # see add_console
    from keyledger.console.openid.provider import Provider

router = page_router()
_TOO_MANY: Final = "Too many tries from here"


@router.get("/login")
async def login_page(
    request: Request,
    code: Annotated[str, Query(max_length=100)] = "",
    next: Annotated[str, Query()] = "",  # noqa: A002
) -> Response:
    """A field for a token; with a code, a button alone, so that what looks at addresses first does not use it up."""
    return login_form(request, within(next), code=code)


@router.post("/login")
async def log_in(request: Request, services: Services) -> Response:
    """Begin a session. Its id is new, so one that was set before is worth nothing."""
    if not is_same_origin(request):
        raise FormRefused("the form was sent by another site")
    form = await read_form(request)
    wanted, code = within(form.get("next")), form.get("code")
    if code:
        made = await services.registry.sessions.take(code)
        fault = "This address was used, or is older than ten minutes: run keyledger console for another."
    else:
        made, fault = await _by_token(request, services.registry, form.get("token"))
    if made is None:
        return login_form(request, wanted, fault, 429 if fault.startswith(_TOO_MANY) else 401)
    answer = see_other(wanted)
    give_session(request, answer, made)
    return answer


@router.post("/logout")
async def log_out(visit: LoggedIn) -> Response:
    """End the session at once, here and in every other window."""
    await visit.form()
    await visit.services.registry.sessions.end(visit.session.id)
    answer = see_other("/console/login")
    answer.delete_cookie(COOKIE, path="/console")
    return answer


def login_form(request: Request, wanted: str, fault: str | None = None, status: int = 200, code: str = "") -> Response:
    """The page to log in at, and what was wrong with the last try; after it, the browser goes to `wanted`."""
    provider = provider_of(request)
    return html("login.html", status, code=code, next=wanted, fault=fault, provider=provider and provider.name)


def provider_of(request: Request) -> Provider | None:
    """The provider that people can log in at; None where the settings name none."""
    provider: Provider | None = request.app.state.provider
    return provider


def give_session(request: Request, answer: Response, session_id: str) -> None:
    """Let the browser keep a session."""
    answer.set_cookie(
        COOKIE,
        session_id,
        max_age=int(LASTS.total_seconds()),
        path="/console",
        httponly=True,
        samesite="strict",
        secure=is_secure(request),
    )


def is_secure(request: Request) -> bool:
    """Whether the browser came by https: a proxy on another machine is not believed, but the settings are."""
    console = urlsplit(request.app.state.services.settings.console_url or "")
    there = console.netloc == request.headers.get("host") and console.scheme == "https"
    return there or request.url.scheme == "https"


async def _by_token(request: Request, registry: Registry, token: str) -> tuple[str | None, str]:
    try:
        principal = await registry.gate.caller(f"Bearer {token}", address_of(request))
    except Unauthenticated:
        return None, "This is no admin token that works: it may be mistyped, expired or revoked."
    except TooManyAttempts as refused:
        return None, f"{_TOO_MANY}: wait {refused.retry_after_s} s."
    return await registry.sessions.begin(principal), ""
