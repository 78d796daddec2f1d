"""What is said of an API key that somebody shows. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from registry.keys.state import CredentialState, KeyState

Code = Literal["valid", "malformed", "not_found", "revoked", "suspended", "expired"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The first code that fits, and as of which position; key, credential and tags unless they are not known."""

    code: Code
    position: int
    key: KeyState | None = None
    credential: CredentialState | None = None
    tags: Mapping[str, str] | None = None

    @property
    def expires_at(self) -> datetime | None:
        """When the credential ends to work by itself: with its key, or before it."""
        ends = [one.expires_at for one in (self.credential,) if one is not None]
        ends += [one.expiration for one in (self.key,) if one is not None]
        return min((end for end in ends if end is not None), default=None)


def code_of(key: KeyState, credential: CredentialState, now: datetime) -> Code:
    """Whether a credential of a key works at an instant, and why not."""
    if key.revoked_at is not None or credential.revoked_at is not None:
        return "revoked"
    if key.suspended_at is not None:
        return "suspended"
    if key.ended(now) == "expired" or credential.ends_by(now):
        return "expired"
    return "valid"
