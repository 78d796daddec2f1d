"""Deliveries of a webhook: list, replay, and a test."""

from __future__ import annotations

import json
import time
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from keyledger.http.answer.answers import Page, answer
from keyledger.http.answer.problem import documented
from keyledger.http.dependencies import OF_CALLERS, Administrator, Registry
from keyledger.http.reads import Reads
from keyledger.http.request.query_params import from_cursor, to_cursor
from keyledger.http.request.strict_request import on_behalf_of
from keyledger.http.webhooks.bodies import (
    DeliveryPosition,
    DeliveryQuery,
    WebhookId,
    position_of,
    webhook_id_of,
)
from keyledger.http.webhooks.views import DeliveryOut, SentTest, delivery_out
from keyledger.runtime.registry import Registry as OpenRegistry
from registry.instant import format_us
from registry.publish.cloudevent import CONTENT_TYPE
from registry.queries import Seen
from registry.webhooks.signing import signed_headers

router = APIRouter(prefix="/admin/webhooks", tags=["webhooks"], dependencies=OF_CALLERS)


@router.post("/{webhook_id}/test", name="test_webhook", response_model=SentTest, responses=documented(404, 409, 422))
async def send_test(
    request: Request, webhook_id: WebhookId, registry: Registry, _principal: Administrator
) -> JSONResponse:
    """Send a signed test to the webhook now, and say what came back. Its type is `keyledger.WebhookTest.v1`."""
    on_behalf_of(request)
    webhook, seen = await registry.webhooks.find(webhook_id_of(webhook_id)), await registry.queries.seen()
    message = f"msg_test_{uuid4().hex}"
    body = _test_event(registry, webhook.webhook_id, message, seen)
    headers = signed_headers(message, time.time(), body, await registry.webhooks.secrets(webhook.webhook_id))
    began_s = time.monotonic()
    reply = await registry.webhooks.receiver.send(webhook.url, {"content-type": CONTENT_TYPE, **headers}, body)
    took_ms = round((time.monotonic() - began_s) * 1000)
    return answer(SentTest(reply.error is None, reply.status, reply.error, took_ms, message), seen.position)


def _test_event(registry: OpenRegistry, webhook_id: UUID, message: str, seen: Seen) -> bytes:
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": message,
        "source": f"/keyledger/{registry.log.log_id}",
        "type": "keyledger.WebhookTest.v1",
        "subject": str(webhook_id),
        "time": format_us(seen.now),
        "datacontenttype": "application/json",
        "data": {"webhook_id": str(webhook_id), "position": seen.position},
    }
    return json.dumps(event).encode()


@router.get(
    "/{webhook_id}/deliveries",
    response_model=Page[DeliveryOut],
    responses=documented(404, 422),
    openapi_extra={"x-repeatable": ["status"]},
)
async def list_deliveries(
    webhook_id: WebhookId, reads: Reads, _principal: Administrator, query: Annotated[DeliveryQuery, Query()]
) -> JSONResponse:
    """List the deliveries of a webhook, newest first. Those that have ended are kept for thirty days."""
    of, before = webhook_id_of(webhook_id), from_cursor(query.cursor, "deliveries")
    return await reads.page(lambda there: _page(there.registry, of, before, query))


async def _page(registry: OpenRegistry, of: UUID, before: int | None, query: DeliveryQuery) -> JSONResponse:
    found = await registry.webhooks.deliveries(of, before, query.status, query.limit)
    cursor = to_cursor("deliveries", found.items[-1].position) if found.more else None
    seen = await registry.queries.seen()
    return answer(Page([delivery_out(of, one) for one in found.items], cursor), seen.position)


@router.post(
    "/{webhook_id}/deliveries/{position}/replay", response_model=DeliveryOut, responses=documented(404, 409, 422)
)
async def replay_delivery(
    request: Request,
    webhook_id: WebhookId,
    position: DeliveryPosition,
    registry: Registry,
    _principal: Administrator,
) -> JSONResponse:
    """Send an event once more, under the same `webhook-id`: a dead one, or one that was taken.

    It begins as a new one does, and later events of its stream that were not delivered wait for it. One that is to be
    repeated later is sent now.
    """
    on_behalf_of(request)
    of = webhook_id_of(webhook_id)
    replayed = await registry.webhooks.replay(of, position_of(position))
    return answer(delivery_out(of, replayed), (await registry.queries.seen()).position)
