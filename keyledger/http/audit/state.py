"""GET /audit/state, of one key or of all: what held at an instant, as known at a position, folded from the log."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from audit.history.states import states
from keyledger.http.answer.answers import answer
from keyledger.http.answer.problem import documented
from keyledger.http.dependencies import OF_CALLERS, Auditor
from keyledger.http.keys.views import KeyOut, key_out
from keyledger.http.reads import Reads
from keyledger.http.request.query_params import AsOfQuery, Cursor, Limit, PublicId, checked_id
from keyledger.runtime.registry import Registry
from registry.errors import FieldFault, FieldsRefused
from registry.instant import cut_ms, from_ms, to_ms
from registry.keys.as_of import Moment, moment
from registry.keys.state import KeyState
from registry.log.stream_state import dump
from registry.queries import PAGE_BYTES

router = APIRouter(prefix="/audit", tags=["audit"], dependencies=OF_CALLERS)

_STREAMS: Final = 100  # read at once: a page of large keys ends early
_CURSOR = re.compile(r"state:([1-9]\d{0,17}|0):(\d{1,15}):([A-Za-z0-9]{12})", re.ASCII)


class StatesQuery(AsOfQuery):
    """The moment, and a page of its keys."""

    limit: Limit = 100
    cursor: Cursor = None


@dataclass(frozen=True, slots=True)
class StatesPage:
    """A page of the keys that existed then; `at` and `known_at` say when, `next_cursor` is null on the last."""

    at: datetime
    known_at: int
    items: list[KeyOut]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a page ended: the pages of one list are of one moment, also where none was asked for."""

    then: Moment
    after: str

    def text(self) -> str:
        plain = f"state:{self.then.known_at}:{to_ms(self.then.at)}:{self.after}"
        return urlsafe_b64encode(plain.encode()).decode().rstrip("=")


@router.get("/state/{public_id}", response_model=KeyOut, responses=documented(404, 422))
async def show_state(
    public_id: PublicId, reads: Reads, _principal: Auditor, query: Annotated[AsOfQuery, Query()]
) -> JSONResponse:
    """Show a key at an instant, as known at a position. By default, that is now and the head of the log."""
    checked = checked_id(public_id)
    past = await reads.page(lambda there: there.registry.queries.key_as_of(checked, query.at, query.known_at))
    return answer(key_out(past.key, past.moment.at), past.position)


@router.get("/state", response_model=StatesPage, responses=documented(422))
async def list_states(reads: Reads, _principal: Auditor, query: Annotated[StatesQuery, Query()]) -> JSONResponse:
    """List all keys that existed at an instant, as known at a position.

    They come by public_id, as the database sorts it. A page ends at `limit` keys, or earlier when they are large.
    """
    place = None if query.cursor is None else _place(query)
    return await reads.page(lambda there: _page(there.registry, query, place))


async def _page(registry: Registry, query: StatesQuery, place: _Place | None) -> JSONResponse:
    seen = await registry.queries.seen()
    asked = (query.at, query.known_at) if place is None else (place.then.at, place.then.known_at)
    then = moment(seen.position, seen.now, *asked)
    then = Moment(cut_ms(then.at), then.known_at)
    keys, size, more = list[KeyState](), 0, False
    after = None if place is None else place.after
    async with aclosing(states(registry.engine, then, after=after, page=min(query.limit + 1, _STREAMS))) as found:
        async for key in found:
            if more := len(keys) == query.limit or size >= PAGE_BYTES:
                break
            keys.append(key)
            size += len(dump(key))
    cursor = _Place(then, keys[-1].public_id).text() if more else None
    return answer(StatesPage(then.at, then.known_at, [key_out(key, then.at) for key in keys], cursor), seen.position)


def _place(query: StatesQuery) -> _Place:
    """The place that the cursor names. Raises FieldsRefused for a made-up one, and for another moment than its own."""
    try:
        cursor = (query.cursor or "").encode("ascii")
        match = _CURSOR.fullmatch(urlsafe_b64decode(cursor + b"=" * (-len(cursor) % 4)).decode("ascii"))
        place = None if match is None else _Place(Moment(_instant(match[2]), int(match[1])), match[3])
    except ValueError:
        place = None
    if place is None or place.text() != query.cursor:
        raise FieldsRefused(FieldFault("cursor", "is not one that a page of this list gave"))
    asked = {"at": query.at, "known_at": query.known_at}
    own: dict[str, Any] = {"at": place.then.at, "known_at": place.then.known_at}
    if other := [name for name, value in asked.items() if value not in (None, own[name])]:
        raise FieldsRefused(*(FieldFault(name, "is not that of the page that gave the cursor") for name in other))
    return place


def _instant(ms: str) -> datetime:
    try:
        return from_ms(int(ms))
    except OverflowError as error:
        raise ValueError from error
