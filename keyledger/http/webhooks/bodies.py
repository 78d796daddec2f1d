"""The bodies, queries and paths of calls on webhooks."""

from __future__ import annotations

from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import Path
from pydantic import ConfigDict, Field

from keyledger.http.events.types import TYPES
from keyledger.http.request.query_params import Cursor, Limit, Strict
from keyledger.http.request.request_body import Body
from registry.errors import UnknownDelivery, UnknownWebhook
from registry.webhooks.url import MAX_URL

_DAY_S: Final = 86_400
_POSITION_DIGITS: Final = 18

WebhookId = Annotated[str, Path(description="the webhook's id", examples=["3f1c7a52-6c0e-4b0e-9b53-0d4c1f6f3c11"])]
DeliveryPosition = Annotated[str, Path(description="the position of the event", examples=["42"])]


class WebhookBody(Body):
    """A webhook to make."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"url": "https://portal.example/keyledger-events"}]})
    url: Annotated[str, Field(strict=True, max_length=MAX_URL)] = Field(
        description="where deliveries are sent: https or http, to a public address, without a login",
        examples=["https://portal.example/keyledger-events"],
    )
    types: list[str] | None = Field(
        None,
        min_length=1,
        max_length=len(TYPES),
        description="of these types alone, each as in the events or by its name; null: all",
        examples=[["KeyCreated", "keyledger.KeyRevoked.v1"]],
    )


class RotateWebhookBody(Body):
    """How to rotate."""

    overlap_s: Annotated[int, Field(strict=True, ge=0, le=7 * _DAY_S)] = Field(
        _DAY_S,
        description="how long the secrets that there are go on signing, too; a day when not given",
        examples=[86_400],
    )


class DeliveryQuery(Strict):
    """Which deliveries."""

    status: list[Literal["pending", "delivered", "dead"]] = Field(
        [], max_length=3, description="any of these", examples=[["dead"]]
    )
    limit: Limit = 100
    cursor: Cursor = None


def webhook_id_of(text: str) -> UUID:
    """The id from a path. Raises UnknownWebhook for one that nothing can have."""
    try:
        found = UUID(text)
    except ValueError:
        raise UnknownWebhook from None
    if str(found) != text:
        raise UnknownWebhook
    return found


def position_of(text: str) -> int:
    """The position from a path. Raises UnknownDelivery for one that nothing can have."""
    if not (text.isascii() and text.isdigit() and len(text) <= _POSITION_DIGITS):
        raise UnknownDelivery
    return int(text)
