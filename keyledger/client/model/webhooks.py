"""Webhooks, and what became of their deliveries."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec


class SigningSecret(msgspec.Struct, frozen=True):
    """When a secret was made, and until when it signs; None: until a rotation ends it."""

    made_at: datetime
    ends_at: datetime | None


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook. `position` is up to where the log was looked through for it; `types` is None for all."""

    id: str
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


class NewWebhook(Webhook, frozen=True, kw_only=True):
    """A webhook with a new secret, which no other answer shows. Its repr does not."""

    secret: str

    def __repr__(self) -> str:
        return f"NewWebhook(id={self.id!r}, …)"


class Delivery(msgspec.Struct, frozen=True):
    """What became of an event for a webhook."""

    position: int
    type: str
    stream: str
    status: Literal["pending", "delivered", "dead"]
    attempts: int
    message_id: str
    taken_at: datetime
    next_attempt_at: datetime | None
    last_attempt_at: datetime | None
    last_status: int | None
    last_error: str | None
    ended_at: datetime | None


class SentTest(msgspec.Struct, frozen=True):
    """What came of a test."""

    delivered: bool
    status: int | None
    error: str | None
    duration_ms: int
    message_id: str
