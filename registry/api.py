"""The admin API's routes (CONTRACT.

HTTP). Each reads strictly, asks `Keys` or `Queries`, and answers with the position.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal
from uuid import uuid4

from fastapi import APIRouter, Depends, Query, Request, Security
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBearer
from pydantic import BaseModel, ConfigDict, Field

from registry.auth import Principal
from registry.commands import UNSET, EditKey
from registry.errors import FieldFault, FieldsRefused, UnknownKey
from registry.event_log import Caller, EventLog
from registry.events import key_stream
from registry.handle import Keys, NewKey, Tokens
from registry.key import fold
from registry.problem import POSITION_HEADER, documented
from registry.queries import Queries
from registry.reading import (
    JSON,
    MERGE_PATCH,
    Whole,
    body_docs,
    json_body,
    on_behalf_of,
    strict_request,
)
from registry.schemas import (
    CreateKeyBody,
    EditKeyBody,
    HistoryPage,
    Instant,
    KeyOut,
    KeyPage,
    NewKeyOut,
    Text,
    event_out,
    key_out,
)
from registry.secret import PUBLIC_ID
from registry.tags import name_fault, value_fault

MAX_FILTERS = 64


@dataclass(frozen=True, slots=True)
class Registry:
    """What the routes need, made once at the composition root and kept as `app.state.registry`."""

    log: EventLog
    keys: Keys
    tokens: Tokens
    queries: Queries
    skew: timedelta = timedelta(0)


Authenticate = Callable[[Request], Awaitable[Principal]]


async def principal_of(
    request: Request, _documented: Annotated[object, Security(HTTPBearer(auto_error=False))] = None
) -> Principal:
    """The caller, by the way that the app was made with (`app.state.authenticate`). Raises Unauthenticated."""
    authenticate: Authenticate = request.app.state.authenticate
    return await authenticate(request)


def registry_of(request: Request) -> Registry:
    """The registry that the app was made with."""
    registry: Registry = request.app.state.registry
    return registry


def needs(scope: str) -> Any:
    """A dependency: the caller, who must have the scope. Raises Unauthenticated, Forbidden."""

    async def check(principal: Annotated[Principal, Depends(principal_of)]) -> Principal:
        principal.require(scope)
        return principal

    return Depends(check)


Services = Annotated[Registry, Depends(registry_of)]
Reader = Annotated[Principal, needs("keys:read")]
Writer = Annotated[Principal, needs("keys:write")]

router = APIRouter(
    prefix="/admin/api-keys", tags=["keys"], dependencies=[Depends(principal_of), Depends(strict_request)]
)


class Strict(BaseModel):
    """Query parameters: unknown ones are refused."""

    model_config = ConfigDict(extra="forbid")


class NoQuery(Strict):
    """None at all."""


class ListQuery(Strict):
    """Filters and page of the list."""

    tag: list[str] = Field(
        [], max_length=MAX_FILTERS, description="name:value; all must hold", examples=[["customer_id:acme"]]
    )
    status: Literal["active", "suspended", "expired", "revoked"] | None = None
    limit: Annotated[Whole, Field(ge=1, le=1000)] = 100
    cursor: str | None = Field(None, max_length=200)


class PageQuery(Strict):
    """A page."""

    limit: Annotated[Whole, Field(ge=1, le=1000)] = 100
    cursor: str | None = Field(None, max_length=200)


class AsOfQuery(Strict):
    """Valid time and known position."""

    at: Instant | None = Field(None, description="the key as of this instant")
    known_at: Whole | None = Field(None, description="by what the log held up to this position")


class ReasonQuery(Strict):
    """Why."""

    reason: Text | None = None


class EditQuery(ReasonQuery):
    """Why, and from when."""

    effective_at: Instant | None = Field(None, description="from when the tags count; past instants need keys:backdate")


@router.post(
    "",
    status_code=201,
    response_model=NewKeyOut,
    responses=documented(413, 415, 422),
    openapi_extra=body_docs(CreateKeyBody, JSON),
)
async def create_key(
    request: Request,
    services: Services,
    principal: Writer,
    _query: Annotated[NoQuery, Query()],
    body: Annotated[CreateKeyBody, Depends(json_body(CreateKeyBody, JSON))],
) -> JSONResponse:
    """Make a key. The answer is the only one that ever shows its `api_key`."""
    new = NewKey(body.tags, body.description, body.expiration, body.organization, body.workspace)
    made = await services.keys.create(new, _caller(request, principal))
    return answer({**key_out(made.key, made.now), "api_key": made.api_key}, made.position, 201)


@router.get("", response_model=KeyPage, responses=documented(422), openapi_extra={"x-repeatable": ["tag"]})
async def list_keys(services: Services, _principal: Reader, query: Annotated[ListQuery, Query()]) -> JSONResponse:
    """List keys, newest first."""
    tags = tag_filters(query.tag)
    before = _from_cursor(query.cursor, "keys")
    if tags is None:
        seen = await services.queries.seen()
        return answer({"items": [], "next_cursor": None}, seen.position)
    keys, seen = await services.queries.keys(tags=tags, status=query.status, before=before, limit=query.limit + 1)
    more = len(keys) > query.limit
    keys = keys[: query.limit]
    cursor = _to_cursor("keys", keys[-1].created_position) if more else None
    return answer({"items": [key_out(key, seen.now) for key in keys], "next_cursor": cursor}, seen.position)


@router.get("/{public_id}", response_model=KeyOut, responses=documented(404, 422))
async def show_key(
    public_id: str, services: Services, _principal: Reader, query: Annotated[AsOfQuery, Query()]
) -> JSONResponse:
    """Show a key: as it is, as of an instant, or as known at a position."""
    if query.at is None and query.known_at is None:
        state, seen = await services.queries.key(checked_id(public_id))
        return answer(key_out(state, seen.now), seen.position)
    stream = await _stream(services, public_id)
    history, seen = await services.queries.history(stream)
    if query.known_at is not None and query.known_at > seen.position:
        raise FieldsRefused(FieldFault("known_at", f"is beyond the head of the log, {seen.position}"))
    at = query.at or seen.now
    past = fold(history, at=at, known_at=query.known_at)
    if past is None:
        raise UnknownKey("the key was not created yet by then", position=seen.position)
    return answer(key_out(past, at), seen.position)


@router.patch(
    "/{public_id}",
    response_model=KeyOut,
    responses=documented(404, 409, 413, 415, 422),
    openapi_extra=body_docs(EditKeyBody, MERGE_PATCH),
)
async def edit_key(
    request: Request,
    public_id: str,
    services: Services,
    principal: Writer,
    query: Annotated[EditQuery, Query()],
    body: Annotated[EditKeyBody, Depends(json_body(EditKeyBody, MERGE_PATCH))],
) -> JSONResponse:
    """Change a key by JSON merge patch: null removes, what is absent stays."""
    given = body.model_fields_set
    command = EditKey(
        tags=body.tags if "tags" in given else UNSET,
        description=body.description if "description" in given else UNSET,
        expiration=body.expiration if "expiration" in given else UNSET,
        effective_at=query.effective_at,
        reason=query.reason,
        may_backdate=principal.allows("keys:backdate"),
        skew=services.skew,
    )
    edited = await services.keys.edit(checked_id(public_id), command, _caller(request, principal, query.reason))
    return answer(key_out(edited.key, edited.now), edited.position)


@router.delete("/{public_id}", response_model=KeyOut, responses=documented(404, 422))
async def revoke_key(
    request: Request,
    public_id: str,
    services: Services,
    principal: Writer,
    query: Annotated[ReasonQuery, Query()],
) -> JSONResponse:
    """Revoke a key for good; a repeat answers the same."""
    revoked = await services.keys.revoke(checked_id(public_id), _caller(request, principal, query.reason))
    return answer(key_out(revoked.key, revoked.now), revoked.position)


@router.get("/{public_id}/history", response_model=HistoryPage, responses=documented(404, 422))
async def show_history(
    public_id: str, services: Services, _principal: Reader, query: Annotated[PageQuery, Query()]
) -> JSONResponse:
    """List a key's events, oldest first, also after its revocation."""
    after = _from_cursor(query.cursor, "history") or 0
    stream = await _stream(services, public_id)
    events, seen = await services.queries.history(stream, after_version=after, limit=query.limit + 1)
    more = len(events) > query.limit
    events = events[: query.limit]
    cursor = _to_cursor("history", events[-1].version) if more else None
    return answer({"items": [event_out(one) for one in events], "next_cursor": cursor}, seen.position)


def answer(content: Any, position: int, status: int = 200) -> JSONResponse:
    """A JSON answer that carries the position of the log it was made at, and is not to be stored."""
    headers = {POSITION_HEADER: str(position), "Cache-Control": "no-store"}
    return JSONResponse(content, status, headers=headers)


def tag_filters(texts: list[str]) -> dict[str, str] | None:
    """`name:value` filters, split at the first colon; None when no key can have them all. Raises FieldsRefused."""
    tags: dict[str, str] = {}
    possible = True
    for text in texts:
        name, colon, value = text.partition(":")
        fault = None if colon else "must be name:value"
        if fault is None and (why := name_fault(name)):
            fault = f"has a name that {why}"
        if fault is None and (why := value_fault(value)):
            fault = f"has a value that {why}"
        if fault is not None:
            raise FieldsRefused(FieldFault("tag", fault))
        possible = possible and tags.setdefault(name, value) == value
    return tags if possible else None


def checked_id(public_id: str) -> str:
    """The id from a path. Raises UnknownKey for one that no key can have, before any database sees it."""
    if PUBLIC_ID.fullmatch(public_id) is None:
        raise UnknownKey
    return public_id


async def _stream(services: Registry, any_id: str) -> str:
    public_id = await services.queries.public_id(checked_id(any_id))
    if public_id is None:
        raise UnknownKey(position=(await services.log.head()).position)
    return key_stream(public_id)


def _caller(request: Request, principal: Principal, reason: str | None = None) -> Caller:
    return Caller(principal.actor, on_behalf_of(request), uuid4().hex, reason)


def _to_cursor(kind: str, number: int) -> str:
    return urlsafe_b64encode(f"{kind}:{number}".encode()).decode().rstrip("=")


def _from_cursor(cursor: str | None, kind: str) -> int | None:
    if cursor is None:
        return None
    try:
        text = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode("ascii")
    except ValueError:
        text = ""
    given, _, number = text.partition(":")
    if given != kind or not number.isdigit() or len(number) > 18 or _to_cursor(kind, int(number)) != cursor:
        raise FieldsRefused(FieldFault("cursor", "is not one that a page of this list gave"))
    return int(number)
