"""Webhooks and deliveries as every answer shows them. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from registry.webhooks.signing import message_id
from registry.webhooks.webhook import Delivery, DeliveryStatus, NewSecret, SigningSecret, Webhook


@dataclass(frozen=True, slots=True)
class WebhookOut:
    """A webhook."""

    id: UUID
    url: str
    types: list[str] | None
    position: int
    created_at: datetime
    created_by: str
    on_behalf_of: str | None
    deleted_at: datetime | None
    pending: int
    dead: int
    secrets: list[SigningSecret]


@dataclass(frozen=True, slots=True)
class NewWebhookOut(WebhookOut):
    """A webhook with a new secret, which is shown this once."""

    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class DeliveryOut:
    """What became of an event for a webhook."""

    position: int
    type: str
    stream: str
    status: DeliveryStatus
    attempts: int
    message_id: str
    taken_at: datetime
    next_attempt_at: datetime | None
    last_attempt_at: datetime | None
    last_status: int | None
    last_error: str | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class SentTest:
    """What came of a test."""

    delivered: bool
    status: int | None
    error: str | None
    duration_ms: int
    message_id: str


def webhook_out(one: Webhook) -> WebhookOut:
    """The webhook, without what it signs with."""
    return WebhookOut(*_members(one))


def new_webhook_out(made: NewSecret) -> NewWebhookOut:
    """The webhook, and its new secret."""
    return NewWebhookOut(*_members(made.webhook), secret=made.secret)


def delivery_out(webhook_id: UUID, one: Delivery) -> DeliveryOut:
    """The delivery."""
    return DeliveryOut(
        position=one.position,
        type=one.type,
        stream=one.stream,
        status=one.status,
        attempts=one.attempts,
        message_id=message_id(webhook_id, one.position),
        taken_at=one.taken_at,
        next_attempt_at=one.next_attempt_at,
        last_attempt_at=one.last_attempt_at,
        last_status=one.last_status,
        last_error=one.last_error,
        ended_at=one.ended_at,
    )


def _members(
    one: Webhook,
) -> tuple[
    UUID, str, list[str] | None, int, datetime, str, str | None, datetime | None, int, int, list[SigningSecret]
]:  # fmt: skip
    made = (one.created_at, one.created_by, one.created_for)
    return (
        one.webhook_id,
        one.url,
        one.types,
        one.position,
        *made,
        one.deleted_at,
        one.pending,
        one.dead,
        [*one.secrets],
    )
