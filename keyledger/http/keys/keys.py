"""Keys: create, list, show, edit, revoke."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response

from keyledger.http.answer.answers import answer, position_headers
from keyledger.http.answer.problem import documented
from keyledger.http.billing.what_if import answer_what_if
from keyledger.http.dependencies import OF_CALLERS, KeyReader, KeyWriter, Registry, Services, caller_of
from keyledger.http.keys.bodies import CreateKeyBody, EditKeyBody, EditKeyQuery
from keyledger.http.keys.gateway import answer_new, answer_when, shown, shown_new, wait_of
from keyledger.http.keys.views import KeyOut, KeyPage, NewKeyOut, answer_key, key_out
from keyledger.http.reads import Reads
from keyledger.http.request.query_params import (
    AsOfQuery,
    EndQuery,
    ListQuery,
    NoQuery,
    PublicId,
    checked_id,
    from_cursor,
    to_cursor,
)
from keyledger.http.request.request_body import JSON, MERGE_PATCH, body_docs, json_body
from keyledger.http.request.versions import ETAG_HEADER, etag, is_known
from projections.billing.what_if import WhatIf
from registry.errors import FieldFault, FieldsRefused, Forbidden
from registry.keys.filters import KeyFilters
from registry.keys.state import KeyState
from registry.queries import Queries
from registry.service import NewKey
from registry.tokens.confinement import narrowed, require

router = APIRouter(prefix="/admin/api-keys", tags=["keys"], dependencies=OF_CALLERS)


@router.post(
    "",
    status_code=201,
    response_model=NewKeyOut,
    responses=documented(409, 413, 415, 422),
    openapi_extra=body_docs(CreateKeyBody, JSON),
)
async def create_key(
    request: Request,
    registry: Registry,
    principal: KeyWriter,
    _query: Annotated[NoQuery, Query()],
    body: Annotated[CreateKeyBody, Depends(json_body(CreateKeyBody, JSON))],
) -> JSONResponse:
    """Make a key. The answer is the only one that ever shows its `api_key`.

    `Keyledger-Gateway` says whether the gateway has it: `ready` or `pending`.
    """
    new = NewKey(body.tags, body.details, body.expiration)
    made = await registry.keys.create(new, caller_of(request, principal, shown_new))
    return await answer_new(made, registry.gateway_wait)


@router.get(
    "",
    response_model=KeyPage,
    responses=documented(422),
    openapi_extra={"x-repeatable": ["tag", "has_tag", "lacks_tag", "status"]},
)
async def list_keys(reads: Reads, principal: KeyReader, query: Annotated[ListQuery, Query()]) -> JSONResponse:
    """List keys, newest first. A page ends at `limit` keys, or earlier when they are large.

    A key that is made or changed meanwhile moves no other from page to page.
    """
    filters, before = query.filters(), from_cursor(query.cursor, "keys")
    if filters is not None and principal.confined_to is not None:
        filters = narrowed(principal.confined_to, filters)
    return await reads.page(lambda there: _page(there.registry.queries, query, filters, before))


async def _page(queries: Queries, query: ListQuery, filters: KeyFilters | None, before: int | None) -> JSONResponse:
    if filters is None:
        return _listed([], None, 0 if query.count else None, (await queries.seen()).position)
    found = await queries.keys(filters, before=before, limit=query.limit, count=query.count)
    cursor = to_cursor("keys", found.items[-1].created_position) if found.more else None
    return _listed([key_out(key, found.seen.now) for key in found.items], cursor, found.total, found.seen.position)


def _listed(items: list[KeyOut], cursor: str | None, total: int | None, position: int) -> JSONResponse:
    page: dict[str, Any] = {"items": items, "next_cursor": cursor}
    return answer(page if total is None else {**page, "total": total}, position)


@router.get(
    "/{public_id}",
    response_model=KeyOut,
    responses={304: {"description": "Not Modified"}, **documented(404, 422)},
)
async def show_key(
    request: Request,
    public_id: PublicId,
    registry: Registry,
    reads: Reads,
    principal: KeyReader,
    query: Annotated[AsOfQuery, Query()],
) -> Response:
    """Show a key: as it is, as of an instant, or as known at a position.

    With `If-None-Match` and the version that it has: 304, without it. Its status can change by time alone.
    """
    checked = checked_id(public_id)
    if query.at is None and query.known_at is None:
        state, seen = await registry.queries.key(checked)
        require(principal.confined_to, state, seen.now)
        return _shown(request, state, seen.now, seen.position)
    past = await reads.page(lambda there: there.registry.queries.key_as_of(checked, query.at, query.known_at))
    require(principal.confined_to, past.key, past.moment.at)
    if principal.confined_to is not None:
        now, seen = await registry.queries.key(checked)
        require(principal.confined_to, now, seen.now)
    return _shown(request, past.key, past.moment.at, past.position)


def _shown(request: Request, key: KeyState, now: datetime, position: int) -> Response:
    if is_known(request, key.version):
        return Response(status_code=304, headers={**position_headers(position), ETAG_HEADER: etag(key.version)})
    return answer_key(key, now, position)


@router.patch(
    "/{public_id}",
    response_model=KeyOut | WhatIf,
    responses=documented(404, 409, 412, 413, 415, 422),
    openapi_extra={**body_docs(EditKeyBody, MERGE_PATCH), "x-repeatable": ["group_by"], "x-if-match": True},
)
async def edit_key(
    request: Request,
    public_id: PublicId,
    registry: Registry,
    principal: KeyWriter,
    query: Annotated[EditKeyQuery, Query()],
    body: Annotated[EditKeyBody, Depends(json_body(EditKeyBody, MERGE_PATCH))],
    services: Services,
    reads: Reads,
) -> JSONResponse:
    """Change a key by JSON merge patch: null removes, what is absent stays."""
    command = body.command(query.effective_at, query.reason, may_backdate=principal.allows("keys:backdate"))
    key, caller = checked_id(public_id), caller_of(request, principal, shown, query.reason)
    if query.check(principal):
        if principal.confined_to is not None:
            raise Forbidden("the token is confined: what an edit does to bills is of all customers")
        if body.model_fields_set != {"tags"}:
            raise FieldsRefused(FieldFault("what_if", "goes with a patch of tags alone"))
        would_be = await registry.keys.edit_what_if(key, command, caller)
        return await answer_what_if(services, reads, would_be, query.effective_at, query.group_by)
    return await answer_when(await registry.keys.edit(key, command, caller), None)


@router.delete(
    "/{public_id}", response_model=KeyOut, responses=documented(404, 409, 412, 422), openapi_extra={"x-if-match": True}
)
async def revoke_key(
    request: Request,
    public_id: PublicId,
    registry: Registry,
    principal: KeyWriter,
    query: Annotated[EndQuery, Query()],
) -> JSONResponse:
    """Revoke a key for good; a repeat answers the same."""
    wait = wait_of(registry, query.wait_for)
    revoked = await registry.keys.revoke(checked_id(public_id), caller_of(request, principal, shown, query.reason))
    return await answer_when(revoked, wait)
