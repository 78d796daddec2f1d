"""GET /admin/events: the events of the log, by page, or as they come (server-sent events)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import Field

from keyledger.http.answer.answers import position_headers
from keyledger.http.answer.problem import documented
from keyledger.http.billing.csv_answer import liked
from keyledger.http.dependencies import OF_CALLERS, EventReader, Registry, principal_of
from keyledger.http.events.pages import FeedPage, feed_page, page_json
from keyledger.http.events.types import TYPES, types_of
from keyledger.http.reads import SSE, Reads
from keyledger.http.request.field_types import WHOLE, Whole
from keyledger.http.request.query_params import Limit, Strict
from keyledger.runtime.services import Services as OpenServices
from registry.errors import FieldFault, FieldsRefused, RegistryError
from registry.log.event_log import EventLog

LAST_EVENT_ID: Final = "Last-Event-ID"
_KINDS: Final = (SSE, "application/json")
# How often a stream says that it lives, and asks whether its token still does.
_ALIVE_S: Final = 10.0
_VARY: Final = {"Vary": "Accept"}

router = APIRouter(prefix="/admin", tags=["events"], dependencies=OF_CALLERS)


@dataclass(frozen=True)
class FeedOut:
    """A page of events; go on with `next_after`, also where it has no items."""

    items: list[dict[str, Any]]
    next_after: int


class FeedQuery(Strict):
    """Which events."""

    after: Whole | None = Field(
        None, description="the position after which it begins; from the first event when not given", examples=[42]
    )
    type: list[str] = Field(
        [],
        max_length=len(TYPES),
        description="of these types alone, each as in the events or by its name",
        examples=[["keyledger.KeyCreated.v1", "TagsChanged"]],
    )
    limit: Limit = 100
    wait_s: Annotated[int, Field(ge=0, le=30), WHOLE] = Field(
        0, description="where there is none yet, wait for one up to so many seconds", examples=[30]
    )


@router.get(
    "/events",
    response_model=FeedOut,
    # As with CSV, server-sent events are no kind of the answer in the document.
    responses=documented(422),
    openapi_extra={"x-repeatable": ["type"]},
)
async def list_events(
    request: Request, registry: Registry, reads: Reads, principal: EventReader, query: Annotated[FeedQuery, Query()]
) -> Response:
    """List the events of the log in order, as the topic carries them.

    Go on with `after` as the page's `next_after` says. With `Accept: text/event-stream` they come as server-sent events
    without an end, each with its position as `id`: who is cut off goes on with `Last-Event-ID`, or with `after`.
    """
    types, streams = types_of("type", query.type), liked(_KINDS, request.headers.get("accept")) == SSE
    after = await _beginning(request, registry.log, query.after, streams=streams)

    async def read(after: int, limit: int) -> FeedPage:
        def work(there: OpenServices) -> Coroutine[Any, Any, FeedPage]:
            return feed_page(there.registry.log, after, limit, types, principal.confined_to)

        return await reads.page(work)

    if streams:
        return reads.feed(_sent(request, registry.log, after, query.limit, read), position=after)
    page = await read(after, query.limit)
    if not page.events and page.next_after == after and query.wait_s:
        await registry.log.wait_beyond(after, query.wait_s)
        page = await read(after, query.limit)
    headers = {**position_headers(page.next_after), **_VARY}
    return Response(page_json(page), media_type="application/json", headers=headers)


async def _beginning(request: Request, log: EventLog, after: int | None, *, streams: bool) -> int:
    """The position after which to begin. Raises FieldsRefused for one beyond the head, or for two."""
    field, last = "after", request.headers.get(LAST_EVENT_ID)
    if last is not None and not (last.isascii() and last.isdigit() and len(last) <= 18):
        raise FieldsRefused(FieldFault(LAST_EVENT_ID, "must be the id of an event of this feed"))
    if last is not None and streams:
        field, after = LAST_EVENT_ID, int(last)
    head = (await log.head()).position
    if (after or 0) > head:
        raise FieldsRefused(FieldFault(field, f"is beyond the head of the log, {head}"), position=head)
    return after or 0


async def _sent(
    request: Request,
    log: EventLog,
    after: int,
    limit: int,
    read: Callable[[int, int], Coroutine[Any, Any, FeedPage]],
) -> AsyncGenerator[bytes, None]:
    """Events as they come, until the caller leaves or its token ends."""
    yield b"retry: 1000\n\n"
    while await _still_allowed(request):
        page = await read(after, limit)
        for event in page.events:
            # No name: browsers' EventSource hands those without one to `onmessage`.
            yield f"id: {event.position}\ndata: ".encode() + event.record + b"\n\n"
        if page.next_after > after:
            after = page.next_after
            continue
        await log.wait_beyond(after, _ALIVE_S)
        yield b": alive\n\n"


async def _still_allowed(request: Request) -> bool:
    try:
        return (await principal_of(request)).allows("events:read")
    except RegistryError:
        return False
