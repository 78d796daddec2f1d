"""Fields of webhooks and their deliveries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_ID: Final = "3f1c7a52-6c0e-4b0e-9b53-0d4c1f6f3c11"
WEBHOOKS: Final[Mapping[str, tuple[str, Any]]] = {
    "Webhook.id": ("the webhook's id", _ID),
    "NewWebhook.id": ("the webhook's id", _ID),
    "url": ("where deliveries are sent", "https://portal.example/keyledger-events"),
    "types": ("the types of events that it gets; null: all", ["KeyCreated", "KeyRevoked"]),
    "created_by": ("the token that made it", "token-Ab3dEf6hIj9k"),
    "Webhook.position": ("the position up to which deliveries were taken for it", 42),
    "NewWebhook.position": ("the position up to which deliveries were taken for it", 42),
    "deleted_at": ("when it was deleted; null: it was not", "2026-03-14T09:26:53.589Z"),
    "pending": ("deliveries that its receiver has not taken yet", 0),
    "dead": ("deliveries that were given up", 0),
    "secrets": ("what signs now, the latest first, without the secrets themselves", None),
    "made_at": ("when the secret was made", "2026-03-14T09:26:53.589Z"),
    "ends_at": ("until when it signs; null: until a rotation", "2026-03-15T09:26:53.589Z"),
    "secret": ("what deliveries are verified with; only this answer ever shows it", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZI"),
    "delivered": ("whether the receiver took it", True),
    "TestDelivery.status": ("the status of the answer; null: there was none", 204),
    "error": ("why it failed; null: it did not", "it refuses connections"),
    "duration_ms": ("how long it took", 87),
    "message_id": ("the `webhook-id` that it was sent under", "msg_3f1c7a526c0e4b0e9b530d4c1f6f3c11_42"),
    "Delivery.position": ("the position of the event", 42),
    "Delivery.type": ("the type of the event", "KeyCreated"),
    "Delivery.stream": ("what the event is about: later events of a stream wait for earlier ones", "key-k3yPubl1cId0"),
    "Delivery.status": ("pending, delivered, or dead: given up", "delivered"),
    "attempts": ("how often it was sent, since it was replayed if it was", 1),
    "taken_at": ("since when it is to be delivered", "2026-03-14T09:26:53.589Z"),
    "next_attempt_at": (
        "when it is sent next; null: it has ended, or it waits for an earlier event of its stream",
        "2026-03-14T09:26:58.589Z",
    ),
    "last_attempt_at": ("when it was sent last; null: not yet", "2026-03-14T09:26:53.589Z"),
    "last_status": ("the status of the last answer; null: there was none", 204),
    "last_error": ("why the last attempt failed; null: it did not", "it answered 500"),
    "ended_at": ("when it was delivered or given up; null: it was not yet", "2026-03-14T09:26:53.589Z"),
}
