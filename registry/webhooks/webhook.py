"""Webhooks and their deliveries, as they are read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

# So many at once, and so many secrets of one that sign at once.
MAX_WEBHOOKS: Final = 100
MAX_SECRETS: Final = 5

DeliveryStatus = Literal["pending", "delivered", "dead"]


@dataclass(frozen=True, slots=True)
class SigningSecret:
    """When a secret was made, and until when it signs; None: until a rotation ends it. The secret is not in it."""

    made_at: datetime
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook: `position` is up to where the log was looked through for it, `types` None for all.

    `pending` counts what it has not taken yet, `dead` what was given up and is still kept.
    """

    webhook_id: UUID
    number: int
    url: str
    types: list[str] | None
    position: int
    created_at: datetime
    created_by: str
    created_for: str | None
    deleted_at: datetime | None
    pending: int
    dead: int
    secrets: tuple[SigningSecret, ...]


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A webhook and its new secret, which is shown this once."""

    webhook: Webhook
    secret: str = field(repr=False)
    position: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of an event for a webhook. A pending one without `next_attempt_at` waits for one before it."""

    position: int
    stream: str
    type: str
    status: DeliveryStatus
    attempts: int
    taken_at: datetime
    next_attempt_at: datetime | None
    last_attempt_at: datetime | None
    last_status: int | None
    last_error: str | None
    ended_at: datetime | None
