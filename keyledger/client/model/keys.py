"""Keys, their credentials, their use and their history."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from keyledger.client.call import Page

KeyStatus = Literal["active", "suspended", "expired", "revoked"]
Code = Literal["valid", "malformed", "not_found", "revoked", "suspended", "expired"]


class Credential(msgspec.Struct, frozen=True):
    """One secret of a key; its id is the 12-character part inside it."""

    credential_id: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class ScheduledTags(msgspec.Struct, frozen=True):
    """A change of tags that is to come."""

    position: int
    effective_at: datetime
    set: dict[str, str]
    remove: list[str]
    reason: str | None = None


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A key."""

    public_id: str
    tags: dict[str, str]
    description: str | None
    organization: str
    workspace: str
    status: KeyStatus
    created_at: datetime
    expiration: datetime | None
    revoked_at: datetime | None
    credentials: list[Credential]
    scheduled: list[ScheduledTags] = []
    position: int
    version: int


class NewKey(Key, frozen=True, kw_only=True):
    """A key with a new secret, `api_key`, which no other answer shows. Its repr does not."""

    api_key: str

    def __repr__(self) -> str:
        return f"NewKey(public_id={self.public_id!r}, …)"


class NewKeys(msgspec.Struct, frozen=True):
    """Keys that were made together, in their order."""

    items: list[NewKey]
    position: int


class ChangedKey(msgspec.Struct, frozen=True):
    """A key before and after a change of many."""

    public_id: str
    before: Key
    after: Key


class ChangedKeys(msgspec.Struct, frozen=True):
    """What a change of many keys was about; `items` are the first thousand of them, newest first."""

    matched: int
    changed: int
    items: list[ChangedKey]
    position: int


class KeyPage(Page[Key], frozen=True, kw_only=True):
    """A page of keys; `total` where it was asked for."""

    total: int | None = None


class CredentialUse(msgspec.Struct, frozen=True):
    """When a credential was last used, and by how many inferences."""

    credential_id: str
    last_used_at: datetime | None
    inferences: int


class KeyUse(msgspec.Struct, frozen=True):
    """The last use of each credential, as far as the gateway's rows are known: until `seen_until`."""

    items: list[CredentialUse]
    seen_until: datetime | None


class HistoryEvent(msgspec.Struct, frozen=True):
    """One event of a key or a price."""

    position: int
    version: int
    type: str
    recorded_at: datetime
    effective_at: datetime
    actor: str
    on_behalf_of: str | None
    reason: str | None
    data: dict[str, Any]


class Verified(msgspec.Struct, frozen=True):
    """What is to be said of a key that somebody shows; mostly None where it is not known."""

    valid: bool
    code: Code
    public_id: str | None
    credential_id: str | None
    tags: dict[str, str] | None
    organization: str | None
    workspace: str | None
    expires_at: datetime | None
    position: int
