"""Admin tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec


class Confinement(msgspec.Struct, frozen=True):
    """What all that a token sees and sets must have."""

    tags: dict[str, str]
    organization: str | None
    workspace: str | None


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """An admin token."""

    token_id: str
    name: str
    scopes: list[str]
    status: Literal["active", "expired", "revoked"]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    confined_to: Confinement | None
    successor: str | None
    position: int


class NewToken(Token, frozen=True, kw_only=True):
    """A token with its text, `token`, which no other answer shows. Its repr does not."""

    token: str

    def __repr__(self) -> str:
        return f"NewToken(token_id={self.token_id!r}, …)"
