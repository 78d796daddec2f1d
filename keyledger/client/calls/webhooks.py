"""Calls on webhooks. They need the scope admin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import UNSET

from keyledger.client.call import Call, Page, body_of, path_of, query_of
from keyledger.client.model.webhooks import Delivery, NewWebhook, SentTest, Webhook

_PATH: Final = "/admin/webhooks"


def create_webhook(url: str, *, types: Sequence[str] | None = None) -> Call[NewWebhook]:
    """Make a webhook, which is sent every event from now on, or those of some types. Its answer shows the secret."""
    body = body_of(url=url, types=UNSET if types is None else list(types))
    return Call("POST", _PATH, NewWebhook, body=body, changes=True)


def list_webhooks(*, limit: int | None = None) -> Call[Page[Webhook]]:
    """List webhooks, the last one made first."""
    return Call("GET", _PATH, Page[Webhook], query_of(limit=limit))


def show_webhook(webhook_id: str) -> Call[Webhook]:
    """Show a webhook that is not deleted, with how much is pending and dead."""
    return Call("GET", _path(webhook_id), Webhook)


def delete_webhook(webhook_id: str) -> Call[Webhook]:
    """Delete a webhook: nothing is sent to it any more."""
    return Call("DELETE", _path(webhook_id), Webhook, changes=True)


def rotate_webhook(webhook_id: str, *, overlap_s: int | None = None) -> Call[NewWebhook]:
    """Give a webhook a new secret. Those that it has sign, too, for some seconds: a day where it is not said."""
    body = body_of(overlap_s=UNSET if overlap_s is None else overlap_s)
    return Call("POST", _path(webhook_id, "rotate"), NewWebhook, body=body, changes=True)


def test_webhook(webhook_id: str) -> Call[SentTest]:
    """Send a signed test now, and say what came back."""
    return Call("POST", _path(webhook_id, "test"), SentTest, changes=True)


def list_deliveries(webhook_id: str, *, status: Sequence[str] = (), limit: int | None = None) -> Call[Page[Delivery]]:
    """List what became of each event, the latest first. `status`: pending, delivered or dead, any of them."""
    query = query_of(status=list(status), limit=limit)
    return Call("GET", _path(webhook_id, "deliveries"), Page[Delivery], query)


def replay_delivery(webhook_id: str, position: int) -> Call[Delivery]:
    """Send an event once more: a dead one, or any that is kept."""
    return Call("POST", _path(webhook_id, "deliveries", str(position), "replay"), Delivery, changes=True)


def _path(webhook_id: str, *more: str) -> str:
    return f"{_PATH}{path_of(webhook_id, *more)}"
