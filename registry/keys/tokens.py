"""An admin token: its scopes, its state, and the decisions about it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from registry.errors import Conflict, FieldFault, FieldsRefused
from registry.keys.events import AdminTokenCreated, AdminTokenRevoked, Event
from registry.log.event_log import AnyEvent, NewEvent, StreamView

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
MAX_NAME = 200


class TokenState(msgspec.Struct, frozen=True):
    """A token as the fold of its events."""

    token_id: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    revoked_at: datetime | None
    position: int
    version: int

    def allows(self, scope: str) -> bool:
        """Whether the token has the scope."""
        return scope in self.scopes or "admin" in self.scopes


@dataclass(frozen=True, slots=True)
class CreateToken:
    """Create an admin token."""

    token_id: str
    name: str
    scopes: tuple[str, ...]
    commitment: str


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
        )
    if state is None or not isinstance(event, AdminTokenRevoked):
        raise ValueError(f"{recorded.type} at position {recorded.position} can't follow in its token's stream")
    return msgspec.structs.replace(
        state, revoked_at=recorded.effective_at, position=recorded.position, version=recorded.version
    )


def create(command: CreateToken, view: StreamView) -> Sequence[NewEvent]:
    """Decide a creation. Raises FieldsRefused for a bad name or an unknown scope."""
    if view.version:
        raise Conflict("a token with this id exists: try again")
    faults = []
    if not 1 <= len(command.name) <= MAX_NAME or not command.name.isprintable():
        faults.append(FieldFault("name", f"must be 1 to {MAX_NAME} printable characters"))
    unknown = [scope for scope in command.scopes if scope not in SCOPES]
    if unknown or not command.scopes:
        faults.append(FieldFault("scope", f"must be of {', '.join(SCOPES)}"))
    if faults:
        raise FieldsRefused(*faults)
    scopes = tuple(scope for scope in SCOPES if scope in command.scopes)
    return [NewEvent(AdminTokenCreated(command.token_id, command.name, scopes, command.commitment))]


def revoke(view: StreamView) -> Sequence[NewEvent]:
    """Decide a revocation; a repeat changes nothing."""
    state: TokenState | None = view.state
    if state is None:
        raise FieldsRefused(FieldFault("token_id", "is not known: `keyledger token list` shows them"))
    return [] if state.revoked_at is not None else [NewEvent(AdminTokenRevoked())]
