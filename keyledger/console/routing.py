"""Routes of pages: who is logged in, and what a page says when something went wrong."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from keyledger.client.errors import ClientError, Problem
from keyledger.console.answers import html, see_other
from keyledger.console.progress import Progress
from keyledger.console.visit import COOKIE, FormRefused, NotLoggedIn, Visit, client_for
from keyledger.http.answer.errors import answer_of, words_for
from keyledger.http.dependencies import Services
from keyledger.http.middleware.request_note import note_of
from registry.errors import RegistryError

LOGIN: Final = "/console/login"
_TITLES: Final = {
    401: "You are not logged in any more",
    403: "Your token does not allow this",
    404: "There is no such thing",
    409: "It is not in a state for this",
    412: "Somebody changed it meanwhile",
    422: "Something in the form is wrong",
    429: "Too much at once",
    500: "Something failed here",
    503: "Keyledger can't do this now",
}


class PageRoute(APIRoute):
    """A route that answers what goes wrong with a page."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """See APIRoute."""
        handle = super().get_route_handler()

        async def page(request: Request) -> Response:
            try:
                return await handle(request)
            except Exception as error:  # noqa: BLE001 - a person sees a page, and the log has the cause
                return instead(request, error)

        return page


def page_router() -> APIRouter:
    """A router of pages, below /console and out of the document."""
    return APIRouter(prefix="/console", route_class=PageRoute, include_in_schema=False)


async def visit_of(request: Request, services: Services) -> Any:
    """The visit of somebody who is logged in. Raises NotLoggedIn, Busy."""
    session_id = request.cookies.get(COOKIE)
    session = None if not session_id else await services.registry.sessions.find(session_id)
    if session is None:
        raise NotLoggedIn
    note_of(request.scope).actor = session.principal.actor
    if session.principal.token is not None:
        services.registry.gate.last_use.note(session.principal.token.token_id)
    progress = Progress()
    client = client_for(request.app, session, progress)
    try:
        yield Visit(request, session, client, progress)
    finally:
        await client.close()


LoggedIn = Annotated[Visit, Depends(visit_of)]
# An id in an address. Dots alone would make another path of the API's.
PathId = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=128)]


def instead(request: Request, error: Exception) -> Response:
    """What is shown where a page can't be."""
    if isinstance(error, NotLoggedIn):
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return see_other(f"{LOGIN}?next={quote(wanted, safe='')}" if request.method == "GET" else LOGIN)
    if isinstance(error, Problem):
        return _said(request, error.status, error.detail, error.request_id)
    if isinstance(error, FormRefused):
        return _said(request, 403, str(error), title="The form was not taken")
    if isinstance(error, HTTPException):
        return _said(request, error.status_code, "")
    note_of(request.scope).failed = error
    return _said(request, _status(error), _words(error))


def _status(error: Exception) -> int:
    if isinstance(error, RegistryError):
        return answer_of(error).status_code
    if isinstance(error, RequestValidationError):
        return 404 if any(one["loc"][0] == "path" for one in error.errors()) else 422
    return 500


def _words(error: Exception) -> str:
    """What the person reads of it: nothing that the framework says, which may quote what was sent."""
    return words_for(error) if isinstance(error, ClientError | RegistryError) else ""


def _said(
    request: Request, status: int, detail: str, request_id: str | None = None, title: str | None = None
) -> Response:
    title = title or _TITLES.get(status, "Something failed here")
    back = request.headers.get("referer", "")
    return html(
        "problem.html",
        status,
        title=title,
        detail=detail,
        request_id=request_id or note_of(request.scope).request_id,
        back=back if back.startswith(str(request.base_url)) else "/console",
    )
