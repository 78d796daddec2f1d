"""The admin API's routes: each reads strictly, asks `KeyService` or `Queries`, and answers with the log's position."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Depends, Query, Request, Security
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBearer

from keyledger.http.keys.bodies import (
    CreateKeyBody,
    EditKeyBody,
    HistoryPage,
    KeyOut,
    KeyPage,
    NewKeyOut,
)
from keyledger.http.problem import POSITION_HEADER, documented
from keyledger.http.query_params import (
    AsOfQuery,
    EditQuery,
    EndQuery,
    ListQuery,
    NoQuery,
    PageQuery,
    checked_id,
    from_cursor,
    tag_filters,
    to_cursor,
)
from keyledger.http.request_body import (
    JSON,
    MERGE_PATCH,
    body_docs,
    json_body,
    on_behalf_of,
    strict_request,
)
from keyledger.runtime.gateway_wait import GatewayWait
from keyledger.runtime.registry import Registry
from registry.auth import Principal
from registry.errors import FieldFault, FieldsRefused
from registry.keys.commands import UNSET, EditKey
from registry.keys.views import event_out, key_out
from registry.log.event_log import Caller
from registry.service import KeyAnswer, NewKey

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
    made = await services.keys.create(new, caller_of(request, principal))
    return answer({**key_out(made.key, made.now), "api_key": made.api_key}, made.position, 201)


@router.get("", response_model=KeyPage, responses=documented(422), openapi_extra={"x-repeatable": ["tag"]})
async def list_keys(services: Services, _principal: Reader, query: Annotated[ListQuery, Query()]) -> JSONResponse:
    """List keys, newest first."""
    tags = tag_filters(query.tag)
    before = from_cursor(query.cursor, "keys")
    if tags is None:
        seen = await services.queries.seen()
        return answer({"items": [], "next_cursor": None}, seen.position)
    keys, seen = await services.queries.keys(tags=tags, status=query.status, before=before, limit=query.limit + 1)
    more = len(keys) > query.limit
    keys = keys[: query.limit]
    cursor = to_cursor("keys", keys[-1].created_position) if more else None
    return answer({"items": [key_out(key, seen.now) for key in keys], "next_cursor": cursor}, seen.position)


@router.get("/{public_id}", response_model=KeyOut, responses=documented(404, 422))
async def show_key(
    public_id: str, services: Services, _principal: Reader, query: Annotated[AsOfQuery, Query()]
) -> JSONResponse:
    """Show a key: as it is, as of an instant, or as known at a position."""
    if query.at is None and query.known_at is None:
        state, seen = await services.queries.key(checked_id(public_id))
        return answer(key_out(state, seen.now), seen.position)
    past = await services.queries.key_as_of(checked_id(public_id), query.at, query.known_at)
    return answer(key_out(past.key, past.moment.at), past.position)


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
    edited = await services.keys.edit(checked_id(public_id), command, caller_of(request, principal, query.reason))
    return answer(key_out(edited.key, edited.now), edited.position)


@router.delete("/{public_id}", response_model=KeyOut, responses=documented(404, 422))
async def revoke_key(
    request: Request,
    public_id: str,
    services: Services,
    principal: Writer,
    query: Annotated[EndQuery, Query()],
) -> JSONResponse:
    """Revoke a key for good; a repeat answers the same."""
    wait = wait_of(services, query.wait_for)
    revoked = await services.keys.revoke(checked_id(public_id), caller_of(request, principal, query.reason))
    return await answer_when(revoked, wait)


@router.get("/{public_id}/history", response_model=HistoryPage, responses=documented(404, 422))
async def show_history(
    public_id: str, services: Services, _principal: Reader, query: Annotated[PageQuery, Query()]
) -> JSONResponse:
    """List a key's events, oldest first, also after its revocation."""
    after = from_cursor(query.cursor, "history") or 0
    stream = await services.queries.stream(checked_id(public_id))
    events, seen = await services.queries.history(stream, after_version=after, limit=query.limit + 1)
    more = len(events) > query.limit
    events = events[: query.limit]
    cursor = to_cursor("history", events[-1].version) if more else None
    return answer({"items": [event_out(one) for one in events], "next_cursor": cursor}, seen.position)


def wait_of(services: Registry, wait_for: str | None) -> GatewayWait | None:
    """What a call is to wait for. Raises FieldsRefused, before anything is done, where there is no gateway."""
    if wait_for is not None and services.gateway is None:
        raise FieldsRefused(
            FieldFault("wait_for", "needs a gateway, and none is set up: set KEYLEDGER_GATEWAY_DATABASE_URL")
        )
    return None if wait_for is None else services.gateway


async def answer_when(done: KeyAnswer, wait: GatewayWait | None) -> JSONResponse:
    """The key, once what was to be waited for is so. Raises NotYetAtGateway, Busy: the change is made all the same."""
    if wait is not None:
        await wait.until(done.key.position)
    return answer(key_out(done.key, done.now), done.position)


def answer(content: Any, position: int, status: int = 200) -> JSONResponse:
    """A JSON answer that carries the position of the log it was made at, and is not to be stored."""
    headers = {POSITION_HEADER: str(position), "Cache-Control": "no-store"}
    return JSONResponse(content, status, headers=headers)


def caller_of(request: Request, principal: Principal, reason: str | None = None) -> Caller:
    """Who asks, as the log records it. Raises FieldsRefused."""
    return Caller(principal.actor, on_behalf_of(request), uuid4().hex, reason)
