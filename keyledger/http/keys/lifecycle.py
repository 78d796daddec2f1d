"""What stops a key, lets it work again, and changes its secrets."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse

from keyledger.http.answer.problem import documented
from keyledger.http.dependencies import OF_CALLERS, KeyWriter, Registry, caller_of
from keyledger.http.keys.bodies import ReasonBody, RotateBody
from keyledger.http.keys.gateway import answer_new, answer_when, shown, shown_new, wait_of
from keyledger.http.keys.views import KeyOut, NewKeyOut
from keyledger.http.request.query_params import (
    CredentialId,
    EndQuery,
    NoQuery,
    PublicId,
    ReasonQuery,
    ScheduledPosition,
    WaitQuery,
    checked_id,
)
from keyledger.http.request.request_body import JSON, body_docs, json_body
from registry.errors import UnknownCredential

router = APIRouter(prefix="/admin/api-keys/{public_id}", tags=["keys"], dependencies=OF_CALLERS)
_IF_MATCH = {"x-if-match": True}
_CHANGED = documented(404, 409, 412, 413, 415, 422)
_REASON = {**body_docs(ReasonBody, JSON, required=False), **_IF_MATCH}
Reasoned = Annotated[ReasonBody, Depends(json_body(ReasonBody, JSON, optional=True))]


@router.post(
    "/suspend", response_model=KeyOut, responses=documented(404, 409, 412, 413, 415, 422), openapi_extra=_REASON
)
async def suspend_key(
    request: Request,
    public_id: PublicId,
    registry: Registry,
    principal: KeyWriter,
    query: Annotated[WaitQuery, Query()],
    body: Reasoned,
) -> JSONResponse:
    """Stop a key until it is resumed; a repeat answers the same."""
    wait, caller = wait_of(registry, query.wait_for), caller_of(request, principal, shown, body.reason)
    return await answer_when(await registry.keys.suspend(checked_id(public_id), caller), wait)


@router.post(
    "/resume", response_model=KeyOut, responses=documented(404, 409, 412, 413, 415, 422), openapi_extra=_REASON
)
async def resume_key(
    request: Request,
    public_id: PublicId,
    registry: Registry,
    principal: KeyWriter,
    _query: Annotated[NoQuery, Query()],
    body: Reasoned,
) -> JSONResponse:
    """Let a suspended key work again; a repeat answers the same."""
    caller = caller_of(request, principal, shown, body.reason)
    return await answer_when(await registry.keys.resume(checked_id(public_id), caller), None)


@router.post(
    "/rotate",
    status_code=201,
    response_model=NewKeyOut,
    responses=documented(404, 409, 412, 413, 415, 422),
    openapi_extra={**body_docs(RotateBody, JSON), **_IF_MATCH},
)
async def rotate_key(
    request: Request,
    public_id: PublicId,
    registry: Registry,
    principal: KeyWriter,
    _query: Annotated[NoQuery, Query()],
    body: Annotated[RotateBody, Depends(json_body(RotateBody, JSON))],
) -> JSONResponse:
    """Give a key a new secret; its tags and history stay. The answer is the only one that ever shows its `api_key`.

    `Keyledger-Gateway` says whether the gateway has it: `ready` or `pending`.
    """
    rotated = await registry.keys.rotate(checked_id(public_id), body.overlap, caller_of(request, principal, shown_new))
    return await answer_new(rotated, registry.gateway_wait)


@router.delete(
    "/scheduled/{position}",
    response_model=KeyOut,
    responses=documented(404, 409, 412, 422),
    openapi_extra=_IF_MATCH,
)
async def cancel_scheduled(
    request: Request,
    public_id: PublicId,
    position: ScheduledPosition,
    registry: Registry,
    principal: KeyWriter,
    query: Annotated[ReasonQuery, Query()],
) -> JSONResponse:
    """Cancel a scheduled change of tags before it is in effect; a repeat answers the same."""
    caller = caller_of(request, principal, shown, query.reason)
    return await answer_when(await registry.keys.cancel_scheduled(checked_id(public_id), position, caller), None)


@router.delete(
    "/credentials/{credential_id}",
    response_model=KeyOut,
    responses=documented(404, 409, 412, 422),
    openapi_extra=_IF_MATCH,
)
async def revoke_credential(
    request: Request,
    public_id: PublicId,
    credential_id: CredentialId,
    registry: Registry,
    principal: KeyWriter,
    query: Annotated[EndQuery, Query()],
) -> JSONResponse:
    """Revoke one credential of a key for good; the others live on, and a repeat answers the same."""
    wait, caller = wait_of(registry, query.wait_for), caller_of(request, principal, shown, query.reason)
    credential_id = checked_id(credential_id, UnknownCredential)
    done = await registry.keys.revoke_credential(checked_id(public_id), credential_id, caller)
    return await answer_when(done, wait)
