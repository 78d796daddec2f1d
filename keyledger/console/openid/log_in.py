"""Log in at the provider: go there, and come back with who it is and which role they have."""

from __future__ import annotations

import json
import logging
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import quote, urlsplit

from fastapi import Query, Request
from fastapi.responses import Response

from keyledger.console.addresses import within
from keyledger.console.answers import html, see_other
from keyledger.console.login import give_session, is_secure, login_form, provider_of
from keyledger.console.openid.attempt import Attempt
from keyledger.console.openid.errors import LogInRefused
from keyledger.console.routing import page_router
from keyledger.http.dependencies import Services, address_of
from keyledger.http.middleware.request_note import note_of
from registry.errors import TooManyAttempts

if TYPE_CHECKING:  # see add_console
    from keyledger.console.openid.provider import Person, Provider

CALLBACK: Final = "/console/login/openid/callback"
router = page_router()
logger = logging.getLogger(__name__)
_COOKIE: Final = "keyledger_login"
_COOKIE_S: Final = 600
_PATH: Final = "/console/login"
_ERROR: Final = re.compile(r"[a-z_]{1,60}")
_BEGUN_ELSEWHERE: Final = (
    "This log-in was not begun in this browser, or longer than ten minutes ago, or in two windows at once: begin again."
)
Text = Annotated[str, Query(max_length=4096)]


@router.get("/login/openid")
async def leave(
    request: Request,
    services: Services,
    next: Annotated[str, Query()] = "",  # noqa: A002
    here: bool = False,
) -> Response:
    """Go to the provider. A link leads here: a form may not, as browsers hold its redirects to our policy, too."""
    provider, wanted = provider_of(request), within(next)
    if provider is None:
        return see_other(_PATH)
    console = services.settings.console_url or ""
    # The provider leads back there, so begin there; once, as a proxy may hide which host the browser asked.
    if not here and urlsplit(console).netloc != request.headers.get("host"):
        return see_other(f"{console}{_PATH}/openid?next={quote(wanted, safe='')}&here=true")
    attempt = Attempt.begin(wanted)
    try:
        answer = see_other(await provider.address(attempt))
    except LogInRefused as refused:
        return _refused(request, wanted, refused)
    answer.set_cookie(
        _COOKIE,
        attempt.cookie,
        max_age=_COOKIE_S,
        path=_PATH,
        httponly=True,
        samesite="lax",  # the provider's page leads back here
        secure=is_secure(request),
    )
    return answer


@router.get(CALLBACK.removeprefix("/console"))
async def come_back(
    request: Request, services: Services, code: Text = "", state: Text = "", error: Text = ""
) -> Response:
    """Begin the session of who comes back from the provider."""
    provider, attempt = provider_of(request), Attempt.of_cookie(request.cookies.get(_COOKIE, ""))
    if provider is None:
        return see_other(_PATH)
    if attempt is None or not attempt.is_of(state):
        return login_form(request, "", _BEGUN_ELSEWHERE, 400)
    wanted, attempts = within(attempt.wanted), provider.attempts
    try:
        attempts.check(address_of(request), "")
        if error or not code:
            raise LogInRefused(f"{provider.name} did not let you in: {_why(error)}.")
        made = await _session(services, provider, await provider.person(attempt, code))
    except TooManyAttempts as refused:
        return login_form(request, wanted, f"Too many tries from here: wait {refused.retry_after_s} s.", 429)
    except LogInRefused as refused:
        attempts.bad(address_of(request), "")
        answer = _refused(request, wanted, refused)
    else:
        # A page, and no redirect: after one that another site began, browsers leave out a cookie that is Strict.
        answer = html("logged_in.html", next=wanted)
        give_session(request, answer, made)
    answer.delete_cookie(_COOKIE, path=_PATH)
    return answer


async def _session(services: Services, provider: Provider, person: Person) -> str:
    """The session of a person, as the token of the first of our roles that they have. Raises LogInRefused."""
    roles: dict[str, str] = json.loads(services.settings.openid_roles or "{}")
    role = next((one for one in roles if one in person.roles), None)
    if role is None:
        raise LogInRefused(
            f"{provider.name} says that you are {person.name}, and names no role of yours that may use this console. "
            "Ask who runs Keyledger for one (KEYLEDGER_OPENID_ROLES)."
        )
    made = await services.registry.sessions.begin_as(roles[role], person.name)
    if made is None:
        raise LogInRefused(
            f"You are {person.name} with the role {role}, whose admin token {roles[role]} does not work: it was "
            "revoked, has expired, or is not of this registry. Ask who runs Keyledger (KEYLEDGER_OPENID_ROLES)."
        )
    logger.info("%s logged in to the console with the role %s", person.name, role)
    return made


def _why(error: str) -> str:
    """The code of an error of OAuth, which anybody could have written into the address."""
    return error if _ERROR.fullmatch(error) else "it gave no code"


def _refused(request: Request, wanted: str, refused: LogInRefused) -> Response:
    if refused.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        note_of(request.scope).detail = str(refused)
    else:
        logger.warning("a log-in to the console was refused: %s", refused)
    return login_form(request, wanted, str(refused), refused.status)
