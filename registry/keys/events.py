"""The facts that the log holds, in the past tense. Pure values: no clock, no random, no I/O.

Each is stored under its plain name and a schema version (`wire`), never under a class path. An instant in a payload is
RFC 3339 in UTC with milliseconds.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from registry.keys.details import KeyDetails


class Event(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A payload of the log."""


class IssuedCredential(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A credential as the log knows it: its id, and a commitment to the hash of its secret (never the hash itself)."""

    credential_id: str
    commitment: str


class KeyCreated(Event, frozen=True):
    """A key came to be, with its first credential, whose id is the key's `public_id` for ever."""

    public_id: str
    tags: dict[str, str]
    details: KeyDetails
    expiration: datetime | None
    credential: IssuedCredential


class KeyImported(Event, frozen=True):
    """A key that a gateway had already came under this log. It counts from the key's own creation in that gateway.

    `revoked_at` is when the gateway disabled it, None while it works; `source` names the gateway.
    """

    public_id: str
    tags: dict[str, str]
    details: KeyDetails
    expiration: datetime | None
    revoked_at: datetime | None
    credential: IssuedCredential
    source: str


class TagsChanged(Event, frozen=True):
    """Tags were set and removed: a delta. The tags as of T are the fold of all deltas effective at or before T."""

    set: dict[str, str]
    remove: tuple[str, ...]


class KeyDescribed(Event, frozen=True):
    """The description was replaced, or cleared with None."""

    description: str | None


class ExpirationChanged(Event, frozen=True):
    """The key will expire at another instant, or, with None, never."""

    expiration: datetime | None


class KeySuspended(Event, frozen=True):
    """The key stopped working until it is resumed."""


class KeyResumed(Event, frozen=True):
    """A suspended key works again."""


class KeyRotated(Event, frozen=True):
    """The key got a new credential; those of `retired` end at `expires_at`.

    That is the rotation's own instant where they were `compromised`.
    """

    credential: IssuedCredential
    retired: tuple[str, ...]
    expires_at: datetime
    compromised: bool


class CredentialRevoked(Event, frozen=True):
    """One credential of a key ended for good; the others live on."""

    credential_id: str


class KeyRevoked(Event, frozen=True):
    """The key ended for good."""


class AdminTokenCreated(Event, frozen=True):
    """An admin token came to be; of its secret the log holds a commitment to the hash alone."""

    token_id: str
    name: str
    scopes: tuple[str, ...]
    commitment: str


class AdminTokenRevoked(Event, frozen=True):
    """An admin token ended for good."""


# What a key's stream can begin with.
KeyBegun = KeyCreated | KeyImported


def tags_written(event: Event) -> dict[str, str | None]:
    """The tags that an event sets, and those that it removes (None)."""
    if isinstance(event, KeyBegun):
        return dict(event.tags)
    return {**event.set, **dict.fromkeys(event.remove)} if isinstance(event, TagsChanged) else {}


def credential_issued(event: Event) -> IssuedCredential | None:
    """The credential that an event brings."""
    return event.credential if isinstance(event, KeyBegun | KeyRotated) else None


def key_stream(public_id: str) -> str:
    """The stream of a key, which is its record key on Kafka too."""
    return f"key-{public_id}"


def token_stream(token_id: str) -> str:
    """The stream of an admin token."""
    return f"token-{token_id}"
