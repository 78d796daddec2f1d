"""How far each webhook is, for the status."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from registry.db.connection import fetch
from registry.webhooks import sql


@dataclass(frozen=True, slots=True)
class WebhookProgress:
    """How far a webhook is. `untaken_since` is when the first event was recorded that was not looked at for it.

    `waits_s` is how long the first delivery waits that its receiver has not taken, at `first_pending`; `first_error`
    why its last attempt failed. `delivered`, `failed` and `died` count attempts since the webhook was made.
    """

    webhook_id: UUID
    deleted: bool
    position: int
    delivered: int
    failed: int
    died: int
    untaken_since: datetime | None
    pending: int
    first_pending: int | None
    waits_s: float | None
    first_attempts: int | None
    first_error: str | None
    dead: int
    died_at: datetime | None


async def progress(engine: AsyncEngine) -> list[WebhookProgress]:
    """That of all webhooks, deleted ones too: what they were sent stays counted. Raises Busy."""
    return [WebhookProgress(*row) for row in await fetch(engine, sql.PROGRESS)]
