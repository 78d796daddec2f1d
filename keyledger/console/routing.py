"""Routes of pages: who is logged in, and what a page says when something went wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import APIRoute

from keyledger.client.errors import ClientError, Problem
from keyledger.console.answers import html, see_other
from keyledger.console.visit import COOKIE, FormRefused, NotLoggedIn, Visit, client_for
from keyledger.http.answer.errors import answer_of, words_for
from keyledger.http.middleware.request_note import note_of
from keyledger.runtime.services import Services
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
    503: "Keyledger can't do this now",
}


class PageRoute(APIRoute):
    """A route that answers what goes wrong with a page."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:
        """See APIRoute."""
        handle = super().get_route_handler()

        async def page(request: Request) -> Response:
            try:
                return await handle(request)
            except NotLoggedIn:
                wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
                return see_other(f"{LOGIN}?next={quote(wanted, safe='')}" if request.method == "GET" else LOGIN)
            except FormRefused as refused:
                return _said(request, 403, str(refused))
            except Problem as problem:
                return _said(request, problem.status, problem.detail, problem.request_id)
            except (ClientError, RegistryError, RequestValidationError) as error:
                note_of(request.scope).failed = error
                return _said(request, _status(error), _words(error))

        return page


def page_router() -> APIRouter:
    """A router of pages, below /console and out of the document."""
    return APIRouter(prefix="/console", route_class=PageRoute, include_in_schema=False)


async def visit_of(request: Request) -> Any:
    """The visit of somebody who is logged in. Raises NotLoggedIn, Busy."""
    services: Services = request.app.state.services
    session_id = request.cookies.get(COOKIE)
    session = None if not session_id else await services.registry.sessions.find(session_id)
    if session is None:
        raise NotLoggedIn
    note_of(request.scope).actor = session.principal.actor
    client = client_for(request.app, session)
    try:
        yield Visit(request, session, client)
    finally:
        await client.close()


LoggedIn = Annotated[Visit, Depends(visit_of)]


def _status(error: Exception) -> int:
    if isinstance(error, RegistryError):
        return answer_of(error).status_code
    return 422 if isinstance(error, RequestValidationError) else 502


def _words(error: Exception) -> str:
    # What the validation says quotes what was sent.
    return "" if isinstance(error, RequestValidationError) else words_for(error)


def _said(request: Request, status: int, detail: str, request_id: str | None = None) -> Response:
    title = _TITLES.get(status, "Something failed here")
    back = request.headers.get("referer", "")
    return html(
        "problem.html",
        status,
        title=title,
        detail=detail,
        request_id=request_id or note_of(request.scope).request_id,
        back=back if back.startswith(str(request.base_url)) else "/console",
    )
