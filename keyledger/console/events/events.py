"""The events of the log, newest first; the newest page goes on by itself, by server-sent events."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncGenerator
from typing import Annotated, Final

from fastapi import Query, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from keyledger.client.calls import list_events
from keyledger.client.errors import ClientError, Refused
from keyledger.console.addresses import with_query
from keyledger.console.answers import NOT_STORED, text
from keyledger.console.events.rows import row_of_event
from keyledger.console.events.windows import Found, Question, key_named, key_rows, newest, viewer_of
from keyledger.console.events.words import NAMES
from keyledger.console.routing import LoggedIn, page_router
from keyledger.console.visit import Visit
from keyledger.http.reads import reads_of
from registry.errors import RegistryError

router = page_router()
_PAGE: Final = 100
# Who comes back after a night is shown no more than a page of what came meanwhile.
_CATCH_UP: Final = 100
_WAIT_S: Final = 10
# Of one session, at once: a page has one.
_MOST_STREAMS: Final = 4
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
# The streams of each session.
_open: Counter[str] = Counter()


@router.get("/events")
async def events(
    request: Request,
    visit: LoggedIn,
    type: Annotated[list[str], Query()] = [],  # noqa: A002, B006 - the API's word; FastAPI copies it
    about: str = "",
    before: Annotated[int | None, Query(ge=1, lt=2**53)] = None,
) -> Response:
    """What happened. What is filtered by is in the address; without `before`, the newest."""
    _check(visit)
    head = await _head(visit)
    upper = head + 1 if before is None else min(before, head + 1)
    question = Question([one for one in type if one], about.strip())
    fault, found, named = None, Found([], 0, None), None
    try:
        viewer = await viewer_of(visit)
        named = await key_named(visit, question.about)
        if named is None:
            found = await newest(visit, question, upper, _PAGE, viewer)
        else:
            question = Question(question.types, named)
            found = await key_rows(visit, named, question.types, upper, _PAGE, viewer)
    except Refused as refused:
        fault = refused.detail
    is_newest = before is None or before > head
    live = with_query(request, before=None, after=str(head), about=question.about or None)
    # Of events of one kind it is not known how far back the page of newer ones begins.
    filtered = bool(question.types or question.about)
    newer = with_query(request, before=None if upper + _PAGE > head else str(upper + _PAGE))
    return visit.page(
        "events/events.html",
        200 if fault is None else 422,
        found=found,
        question=question,
        named=named,
        fault=fault,
        kinds=NAMES,
        head=head,
        live=live.replace("/console/events", "/console/events/live", 1) if is_newest and fault is None else None,
        latest=with_query(request, before=None),
        newer=None if is_newest or filtered else newer,
        is_full=len(found.rows) == _PAGE,
        older=None if found.before is None else with_query(request, before=str(found.before)),
    )


@router.get("/events/live")
async def live(
    request: Request,
    visit: LoggedIn,
    after: Annotated[int, Query(ge=0, lt=2**53)],
    type: Annotated[list[str], Query()] = [],  # noqa: A002, B006 - as above
    about: str = "",
) -> Response:
    """Rows as they come, as server-sent events; who was cut off goes on by Last-Event-ID."""
    _check(visit)
    last, head = request.headers.get("last-event-id", ""), await _head(visit)
    if last.isascii() and last.isdigit() and len(last) <= len(str(2**53)):
        after = int(last)
    after = max(head - _CATCH_UP, min(after, head), 0)
    if _open[visit.session.id] >= _MOST_STREAMS:
        raise HTTPException(429)
    reads = await reads_of(request, visit.services, visit.session.principal)
    answer = reads.feed(_sent(visit, Question([one for one in type if one], about.strip()), after), position=after)
    answer.headers.update(NOT_STORED)
    return answer


async def _sent(visit: Visit, question: Question, after: int) -> AsyncGenerator[bytes, None]:
    """Rows until the viewer leaves or the session ends. What fails ends it too: browsers come back by themselves."""
    _open[visit.session.id] += 1
    try:
        yield b"retry: 3000\n\n"
        viewer = await viewer_of(visit)
        while await _goes_on(visit):
            page = await visit.ask(list_events(after, types=question.types, limit=_PAGE, wait_s=_WAIT_S))
            if page.items and not await _goes_on(visit):  # it may have ended in the wait
                return
            for event in page.items:
                if question.fits(event):
                    row = text("events/row.html", event=row_of_event(event, viewer))
                    yield f"id: {event.position}\nevent: row\ndata: {_LINE_END.sub(' ', row)}\n\n".encode()
                await asyncio.sleep(0)  # others are answered between two rows
            after = page.next_after
            yield f": alive\nid: {after}\n\n".encode()
    except (ClientError, RegistryError):
        return
    finally:
        _open[visit.session.id] -= 1
        if not _open[visit.session.id]:
            del _open[visit.session.id]


async def _goes_on(visit: Visit) -> bool:
    """Whether the session still is. Raises Busy."""
    return await visit.services.registry.sessions.find(visit.session.id) is not None


def _check(visit: Visit) -> None:
    """Raises Forbidden."""
    visit.session.principal.require("events:read", confined=True)


async def _head(visit: Visit) -> int:
    return (await visit.services.registry.log.head()).position
