"""Puts the console on an app: its pages, its files, and what a page says when something went wrong."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import Response

from keyledger.console import answers, login
from keyledger.console.admin import deliveries, health, policy, tokens, webhooks
from keyledger.console.audit import audit
from keyledger.console.bills import bills, compare, lines
from keyledger.console.events import events
from keyledger.console.keys import key, keys, new_key
from keyledger.console.navigation import first_page
from keyledger.console.openid import log_in
from keyledger.console.prices import changes, prices
from keyledger.console.routing import LoggedIn, page_router
from keyledger.settings import Settings

_PAGES: Final[tuple[APIRouter, ...]] = (
    login.router,
    log_in.router,
    keys.router,
    new_key.router,
    key.router,
    bills.router,
    lines.router,
    compare.router,
    changes.router,
    prices.router,
    policy.router,
    tokens.router,
    webhooks.router,
    deliveries.router,
    events.router,
    audit.router,
    health.router,
)

_rest = page_router()


@_rest.get("")
async def home(visit: LoggedIn) -> Response:
    """The first page that the person may see."""
    return answers.see_other(first_page(visit.session.principal))


@_rest.get("/{rest:path}")
async def nothing_here(request: Request, rest: str) -> Response:  # noqa: ARG001 - the path's parameter
    """No page."""
    return answers.html("problem.html", 404, title="There is no such page", detail="", request_id=None, back="/console")


_static = APIRouter()


@_static.get("/console/static/{digest}/{name}", include_in_schema=False)
async def asset(digest: str, name: str) -> Response:
    """A file that pages use."""
    return answers.file(digest, name)


def add_console(app: FastAPI, settings: Settings) -> None:
    """Put the pages below /console. They are no part of the API's document."""
    app.state.provider = None
    if settings.openid_issuer is not None:
        from keyledger.console.openid.provider import Provider  # noqa: PLC0415 - Authlib is slow to load; few need it

        app.state.provider = Provider(settings, log_in.CALLBACK)
    for router in (_static, *_PAGES, _rest):
        app.include_router(router)
