"""Puts the console on an app: its pages, its files, and what a page says when something went wrong."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import Response

from keyledger.console import answers
from keyledger.console.pages import bill_compare, bill_lines, bills, keys, login
from keyledger.console.routing import page_router

_PAGES: Final[tuple[APIRouter, ...]] = (
    login.router,
    keys.router,
    bills.router,
    bill_lines.router,
    bill_compare.router,
)

_rest = page_router()


@_rest.get("")
async def home() -> Response:
    """The keys, which most people come for."""
    return answers.see_other("/console/keys")


@_rest.get("/{rest:path}")
async def nothing_here(request: Request, rest: str) -> Response:  # noqa: ARG001 - the path's parameter
    """No page."""
    return answers.html("problem.html", 404, title="There is no such page", detail="", request_id=None, back="/console")


_static = APIRouter()


@_static.get("/console/static/{digest}/{name}", include_in_schema=False)
async def asset(digest: str, name: str) -> Response:
    """A file that pages use."""
    return answers.file(digest, name)


def add_console(app: FastAPI) -> None:
    """Put the pages below /console. They are no part of the API's document."""
    for router in (_static, *_PAGES, _rest):
        app.include_router(router)
