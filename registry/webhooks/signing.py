"""How deliveries are signed: by the rules of Standard Webhooks (https://www.standardwebhooks.com), with its library."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from standardwebhooks import Webhook

_PREFIX: Final = "whsec_"
_BYTES: Final = 32


def new_secret() -> str:
    """A secret, as its receiver is shown it: 256 random bits."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode()


def message_id(webhook_id: UUID, position: int) -> str:
    """The `webhook-id` of a delivery, the same at each attempt: who has taken one knows it when it comes again."""
    return f"msg_{webhook_id.hex}_{position}"


def signed_headers(message: str, now_s: float, body: bytes, signing: Iterable[str]) -> dict[str, str]:
    """The headers of an attempt: one signature for each of the secrets, of which a receiver has any."""
    at = datetime.fromtimestamp(int(now_s), UTC)
    text = body.decode()
    return {
        "webhook-id": message,
        "webhook-timestamp": str(int(now_s)),
        "webhook-signature": " ".join(Webhook(secret).sign(message, at, text) for secret in signing),
    }
