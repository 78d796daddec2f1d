"""An admin token: its scopes and its state. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec
from msgspec.structs import replace

from registry.instant import cut_ms
from registry.keys.events import AdminTokenCreated, AdminTokenRevoked, AdminTokenRotated, Confinement, Event
from registry.log.event_log import AnyEvent

# `admin` includes every other scope.
SCOPES: Final = (
    "keys:read",
    "keys:write",
    "keys:backdate",
    "keys:verify",
    "prices:read",
    "prices:write",
    "prices:backdate",
    "billing:read",
    "audit:read",
    "events:read",
    "admin",
)


class TokenState(msgspec.Struct, frozen=True):
    """A token as the fold of its events."""

    token_id: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    revoked_at: datetime | None
    position: int
    version: int
    expires_at: datetime | None = None
    confined_to: Confinement | None = None
    successor: str | None = None

    def allows(self, scope: str) -> bool:
        """Whether the token has the scope."""
        return scope in self.scopes or "admin" in self.scopes

    def works(self, at: datetime) -> bool:
        """Whether the token may be used at a time."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)


def evolve(state: TokenState | None, recorded: AnyEvent, event: Event) -> TokenState:
    """The state after an event. Raises ValueError for an event that can't follow the state."""
    if isinstance(event, AdminTokenCreated):
        return TokenState(
            token_id=event.token_id,
            name=event.name,
            scopes=event.scopes,
            created_at=recorded.effective_at,
            revoked_at=None,
            position=recorded.position,
            version=recorded.version,
            expires_at=None if event.expires_at is None else cut_ms(event.expires_at),
            confined_to=event.confined_to,
        )
    place = {"position": recorded.position, "version": recorded.version}
    if state is not None and isinstance(event, AdminTokenRevoked):
        return replace(state, revoked_at=recorded.effective_at, **place)
    if state is not None and isinstance(event, AdminTokenRotated):
        ends = [cut_ms(event.expires_at), *([] if state.expires_at is None else [state.expires_at])]
        return replace(state, successor=event.successor, expires_at=min(ends), **place)
    raise ValueError(f"{recorded.type} at position {recorded.position} can't follow in its token's stream")
