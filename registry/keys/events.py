"""The facts in the log, in the past tense. Pure values: no clock, no random, no I/O.

Each is stored under its plain name and a schema version (see `registry.log.codec`), never under a class path. Times in
a payload are RFC 3339 in UTC with milliseconds.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

import msgspec

from registry.keys.details import KeyDetails

# Numbers of an event are exact in every reader of JSON: see `registry.log.codec`.
Position = Annotated[int, msgspec.Meta(ge=1, le=2**53 - 1)]


class Event(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The payload of an event in the log."""


class IssuedCredential(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A credential as the log knows it: its id, and a commitment to the hash of its secret, never the hash itself."""

    credential_id: str
    commitment: str


class KeyCreated(Event, frozen=True):
    """A key was created with its first credential, whose id is permanently the key's `public_id`."""

    public_id: str
    tags: dict[str, str]
    details: KeyDetails
    expiration: datetime | None
    credential: IssuedCredential


class KeyImported(Event, frozen=True):
    """A key that already existed in a gateway was imported. It takes effect at the key's creation in that gateway.

    `revoked_at` is when the gateway disabled it, None if it still works; `source` names the gateway.
    """

    public_id: str
    tags: dict[str, str]
    details: KeyDetails
    expiration: datetime | None
    revoked_at: datetime | None
    credential: IssuedCredential
    source: str


class TagsChanged(Event, frozen=True):
    """Tags were set and removed: a delta. The tags as of T result from all deltas effective at or before T.

    One that takes effect after it was recorded is scheduled: until then it can be cancelled.
    """

    set: dict[str, str]
    remove: tuple[str, ...]


class ScheduledChangeCancelled(Event, frozen=True):
    """The scheduled change of tags at a position was cancelled before its instant: it never takes effect."""

    scheduled_position: Position


class KeyDescribed(Event, frozen=True):
    """The description was replaced, or cleared (None)."""

    description: str | None


class ExpirationChanged(Event, frozen=True):
    """The key expires at another time, or never (None)."""

    expiration: datetime | None


class KeySuspended(Event, frozen=True):
    """The key was suspended: it does not work until it is resumed."""


class KeyResumed(Event, frozen=True):
    """A suspended key works again."""


class KeyRotated(Event, frozen=True):
    """The key got a new credential; the `retired` ones end at `expires_at`.

    That is the time of the rotation itself if they were `compromised`.
    """

    credential: IssuedCredential
    retired: tuple[str, ...]
    expires_at: datetime
    compromised: bool


class CredentialRevoked(Event, frozen=True):
    """One credential of a key was revoked permanently; the others remain."""

    credential_id: str


class KeyRevoked(Event, frozen=True):
    """The key was revoked permanently."""


class Confinement(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """What all that a token sees and sets must have: these tags, and this organization and workspace, where given."""

    tags: dict[str, str]
    organization: str | None
    workspace: str | None


class AdminTokenCreated(Event, frozen=True):
    """An admin token was created. Of its secret, the log holds only a commitment to the hash."""

    token_id: str
    name: str
    scopes: tuple[str, ...]
    commitment: str
    expires_at: datetime | None
    confined_to: Confinement | None


class AdminTokenRotated(Event, frozen=True):
    """An admin token got a successor with the same rights. It works itself until `expires_at`."""

    successor: str
    expires_at: datetime


class AdminTokenRevoked(Event, frozen=True):
    """An admin token was revoked permanently."""


class ClockDivergenceAccepted(Event, frozen=True):
    """An operator decided to go on although the last event is dated after the database's clock.

    From then on events are recorded right after `last_recorded_at`, and take effect by the clock, which said `clock`.
    """

    last_recorded_at: datetime
    clock: datetime


# The stream of what operators decide about the log's clock.
CLOCK_STREAM: Final = "log-clock"
# The first event of a key's stream is one of these.
KeyBegun = KeyCreated | KeyImported


def tags_written(event: Event) -> dict[str, str | None]:
    """The tags that an event sets, and those that it removes (None)."""
    if isinstance(event, KeyBegun):
        return dict(event.tags)
    return {**event.set, **dict.fromkeys(event.remove)} if isinstance(event, TagsChanged) else {}


def credential_issued(event: Event) -> IssuedCredential | None:
    """The credential that an event adds, if any."""
    return event.credential if isinstance(event, KeyBegun | KeyRotated) else None


def key_stream(public_id: str) -> str:
    """The stream of a key; also its record key in Kafka."""
    return f"key-{public_id}"


def token_stream(token_id: str) -> str:
    """The stream of an admin token."""
    return f"token-{token_id}"
