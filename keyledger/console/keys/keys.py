"""The list of keys, with the filters of the API in the address."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import Query, Request
from fastapi.responses import Response

from keyledger.client.calls import list_keys
from keyledger.client.errors import Refused
from keyledger.client.model.keys import KeyPage
from keyledger.console.addresses import filled, pages_of
from keyledger.console.routing import LoggedIn, page_router

router = page_router()
_PAGE: Final = 50
STATUSES: Final = ("active", "suspended", "expired", "revoked")


@router.get("/keys")
async def keys(
    request: Request,
    visit: LoggedIn,
    q: str = "",
    tag: Annotated[list[str], Query()] = [],  # noqa: B006 - FastAPI copies it
    has_tag: Annotated[list[str], Query()] = [],  # noqa: B006
    lacks_tag: Annotated[list[str], Query()] = [],  # noqa: B006
    status: Annotated[list[str], Query()] = [],  # noqa: B006
    cursor: str = "",
) -> Response:
    """Keys, newest first. What is filtered by is in the address, so that it can be sent to somebody."""
    chosen: dict[str, Any] = {
        "q": q.strip() or None,
        "tag": filled(tag),
        "has_tag": filled(has_tag),
        "lacks_tag": filled(lacks_tag),
        "status": filled(status),
    }
    fault, found = None, KeyPage([], None, total=0)
    try:
        call = list_keys(**chosen, count=True, limit=_PAGE)
        found = await visit.ask(call.asking(cursor=cursor) if cursor else call)
    except Refused as refused:
        fault = refused.detail
    return visit.page(
        "keys/keys.html",
        200 if fault is None else 422,
        found=found,
        chosen=chosen,
        fault=fault,
        **pages_of(request, cursor, found.next_cursor),
        filtered=any(chosen.values()),
        statuses=STATUSES,
    )
