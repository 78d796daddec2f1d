"""Webhooks: make, list, delete, rotate."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse

from keyledger.http.answer.answers import Page, answer
from keyledger.http.answer.problem import documented
from keyledger.http.dependencies import OF_CALLERS, Administrator, Registry, caller_of
from keyledger.http.events.types import types_of
from keyledger.http.reads import Reads
from keyledger.http.request.query_params import NoQuery, PageQuery, from_cursor, to_cursor
from keyledger.http.request.request_body import JSON, body_docs, json_body
from keyledger.http.webhooks.bodies import RotateWebhookBody, WebhookBody, WebhookId, webhook_id_of
from keyledger.http.webhooks.views import NewWebhookOut, WebhookOut, new_webhook_out, webhook_out
from keyledger.runtime.registry import Registry as OpenRegistry
from registry.webhooks.webhook import NewSecret, Webhook

router = APIRouter(prefix="/admin/webhooks", tags=["webhooks"], dependencies=OF_CALLERS)


@router.post(
    "",
    status_code=201,
    response_model=NewWebhookOut,
    responses=documented(409, 413, 415, 422),
    openapi_extra=body_docs(WebhookBody, JSON),
)
async def create_webhook(
    request: Request,
    registry: Registry,
    principal: Administrator,
    body: Annotated[WebhookBody, Depends(json_body(WebhookBody, JSON))],
) -> JSONResponse:
    """Make a webhook, which is sent every event after this call. The only answer that ever shows its secret.

    Deliveries are signed by the rules of Standard Webhooks, and are in order for each stream.
    """
    types = None if body.types is None else types_of("types", body.types)
    return _made(await registry.webhooks.create(body.url, types, caller_of(request, principal, _made)))


@router.get("", response_model=Page[WebhookOut], responses=documented(422))
async def list_webhooks(reads: Reads, _principal: Administrator, query: Annotated[PageQuery, Query()]) -> JSONResponse:
    """List webhooks, the last one made first."""
    before = from_cursor(query.cursor, "webhooks")
    return await reads.page(lambda there: _page(there.registry, before, query.limit))


async def _page(registry: OpenRegistry, before: int | None, limit: int) -> JSONResponse:
    found = await registry.webhooks.page(before, limit + 1)
    cursor = to_cursor("webhooks", found[limit - 1].number) if len(found) > limit else None
    seen = await registry.queries.seen()
    return answer(Page([webhook_out(one) for one in found[:limit]], cursor), seen.position)


@router.get("/{webhook_id}", response_model=WebhookOut, responses=documented(404, 422))
async def show_webhook(
    webhook_id: WebhookId, registry: Registry, _principal: Administrator, _query: Annotated[NoQuery, Query()]
) -> JSONResponse:
    """Show a webhook, with how much is pending and dead. One that is deleted is 404."""
    found = await registry.webhooks.find(webhook_id_of(webhook_id))
    return answer(webhook_out(found), (await registry.queries.seen()).position)


@router.delete("/{webhook_id}", response_model=WebhookOut, responses=documented(404, 409, 422))
async def delete_webhook(
    request: Request, webhook_id: WebhookId, registry: Registry, principal: Administrator
) -> JSONResponse:
    """Delete a webhook: nothing is sent to it any more. A repeat answers the same."""
    caller = caller_of(request, principal, _made)
    deleted: Webhook = await registry.webhooks.delete(webhook_id_of(webhook_id), caller)
    return answer(webhook_out(deleted), (await registry.queries.seen()).position)


@router.post(
    "/{webhook_id}/rotate",
    status_code=201,
    response_model=NewWebhookOut,
    responses=documented(404, 409, 413, 415, 422),
    openapi_extra=body_docs(RotateWebhookBody, JSON, required=False),
)
async def rotate_webhook(
    request: Request,
    webhook_id: WebhookId,
    registry: Registry,
    principal: Administrator,
    body: Annotated[RotateWebhookBody, Depends(json_body(RotateWebhookBody, JSON, optional=True))],
) -> JSONResponse:
    """Give a webhook a new secret. Those that it has sign, too, for a while, so that its receiver can change."""
    caller, overlap = caller_of(request, principal, _made), timedelta(seconds=body.overlap_s)
    return _made(await registry.webhooks.rotate(webhook_id_of(webhook_id), overlap, caller))


def _made(made: NewSecret) -> JSONResponse:
    return answer(new_webhook_out(made), made.position, 201)
