"""Keys and events as every answer shows them. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Literal

from fastapi.responses import JSONResponse
from msgspec import structs

from keyledger.http.answer.answers import answer
from keyledger.http.request.versions import ETAG_HEADER, etag
from registry.keys.state import KeyState
from registry.log import codec
from registry.log.event_log import RecordedEvent
from registry.service import KeyAnswer


@dataclass(frozen=True, slots=True)
class CredentialOut:
    """One secret of a key; its id is the 12-character part inside it."""

    credential_id: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class ScheduledOut:
    """A change of tags that is not in effect yet; the position is that of its event."""

    position: int
    effective_at: datetime
    set: dict[str, str]
    remove: list[str]
    reason: str | None


@dataclass(frozen=True, slots=True)
class KeyOut:
    """A key as every answer shows it."""

    public_id: str
    tags: dict[str, str]
    description: str | None
    organization: str
    workspace: str
    status: Literal["active", "expired", "revoked", "suspended"]
    created_at: datetime
    expiration: datetime | None
    revoked_at: datetime | None
    credentials: list[CredentialOut]
    scheduled: list[ScheduledOut]
    position: int
    version: int


@dataclass(frozen=True, slots=True)
class KeyPage:
    """A page of keys; `next_cursor` is null on the last. `total` is there where it was asked for."""

    items: list[KeyOut]
    next_cursor: str | None
    total: int = 0


@dataclass(frozen=True, slots=True)
class NewKeyOut(KeyOut):
    """A key with a new secret, which is shown this once."""

    api_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class EventOut:
    """One event of a key's history."""

    position: int
    version: int
    type: str
    recorded_at: datetime
    effective_at: datetime
    actor: str
    on_behalf_of: str | None
    reason: str | None
    data: dict[str, Any]


def key_out(key: KeyState, now: datetime) -> KeyOut:
    """The key, its tags and status at `now`."""
    return KeyOut(
        public_id=key.public_id,
        tags=key.tags(now),
        **structs.asdict(key.details),
        status=key.status(now),
        created_at=key.created_at,
        expiration=key.expiration,
        revoked_at=key.revoked_at,
        credentials=[
            CredentialOut(one.credential_id, one.created_at, one.expires_at, one.revoked_at) for one in key.credentials
        ],
        scheduled=[
            ScheduledOut(one.position, one.effective_at, one.set, list(one.remove), one.reason)
            for one in key.pending(now)
        ],
        position=key.position,
        version=key.version,
    )


def answer_key(key: KeyState, now: datetime, position: int) -> JSONResponse:
    """The answer that shows a key, its status at `now`, with its version."""
    shown = answer(key_out(key, now), position)
    shown.headers[ETAG_HEADER] = etag(key.version)
    return shown


def new_key_out(made: KeyAnswer) -> NewKeyOut:
    """The key with the secret that the command made."""
    if made.api_key is None:
        raise ValueError("the command made no secret")
    key = key_out(made.key, made.now)
    return NewKeyOut(**{one.name: getattr(key, one.name) for one in fields(key)}, api_key=made.api_key)


def event_out(recorded: RecordedEvent) -> EventOut:
    """The event. Raises UndecodableEvent for one that this version does not know."""
    codec.decode(recorded)
    return EventOut(
        position=recorded.position,
        version=recorded.version,
        type=recorded.type,
        recorded_at=recorded.recorded_at,
        effective_at=recorded.effective_at,
        actor=recorded.actor,
        on_behalf_of=recorded.on_behalf_of,
        reason=recorded.reason,
        data=json.loads(recorded.payload),
    )
