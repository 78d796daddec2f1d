"""Keys and events as responses show them. Pure."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from msgspec import structs

from registry.instant import format_ms, format_us
from registry.keys.state import KeyState
from registry.log import codec
from registry.log.event_log import RecordedEvent


def key_out(key: KeyState, now: datetime) -> dict[str, Any]:
    """The key, with its status at `now`."""
    return {
        "public_id": key.public_id,
        "tags": key.tags,
        **structs.asdict(key.details),
        "status": key.status(now),
        "created_at": format_ms(key.created_at),
        "expiration": _optional(key.expiration),
        "revoked_at": _optional(key.revoked_at),
        "credentials": [
            {
                "credential_id": one.credential_id,
                "created_at": format_ms(one.created_at),
                "expires_at": _optional(one.expires_at),
                "revoked_at": _optional(one.revoked_at),
            }
            for one in key.credentials
        ],
        "position": key.position,
        "version": key.version,
    }


def event_out(recorded: RecordedEvent) -> dict[str, Any]:
    """The event. Raises UndecodableEvent if this version does not know it."""
    codec.decode(recorded)
    return {
        "position": recorded.position,
        "version": recorded.version,
        "type": recorded.type,
        "recorded_at": format_us(recorded.recorded_at),
        "effective_at": format_ms(recorded.effective_at),
        "actor": recorded.actor,
        "on_behalf_of": recorded.on_behalf_of,
        "reason": recorded.reason,
        "data": json.loads(recorded.payload),
    }


def _optional(instant: datetime | None) -> str | None:
    return None if instant is None else format_ms(instant)
