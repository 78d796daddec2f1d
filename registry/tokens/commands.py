"""What can be asked for an admin token, and the decisions. Pure, like those on keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from registry.errors import Conflict, FieldFault, FieldsRefused, UnknownToken
from registry.instant import cut_ms, format_ms
from registry.keys.events import AdminTokenCreated, AdminTokenRevoked, AdminTokenRotated, Confinement
from registry.log.event_log import NewEvent, StreamView
from registry.tokens.confinement import CONFINABLE, confinement_faults
from registry.tokens.state import SCOPES, TokenState

MAX_NAME = 200


@dataclass(frozen=True, slots=True)
class CreateToken:
    """Create an admin token: see AdminTokenCreated."""

    token_id: str
    name: str
    scopes: tuple[str, ...]
    commitment: str
    expires_at: datetime | None = None
    confined_to: Confinement | None = None


@dataclass(frozen=True, slots=True)
class RotateToken:
    """Give a token a successor, whose id and commitment these are. The old one works for `overlap`."""

    token_id: str
    commitment: str
    overlap: timedelta


def create(command: CreateToken, view: StreamView) -> Sequence[NewEvent]:
    """Decide a creation. Raises FieldsRefused for a bad name, an unknown scope, and what can't be confined."""
    if view.version:
        raise Conflict("a token with this id exists: try again")
    if faults := [*_faults(command), *_end_faults(command.expires_at, view.now)]:
        raise FieldsRefused(*faults)
    scopes = tuple(scope for scope in SCOPES if scope in command.scopes)
    event = AdminTokenCreated(
        command.token_id, command.name, scopes, command.commitment, command.expires_at, command.confined_to
    )
    return [NewEvent(event)]


def revoke(view: StreamView) -> Sequence[NewEvent]:
    """Decide a revocation; a repeat changes nothing. Raises UnknownToken."""
    return [] if existing(view).revoked_at is not None else [NewEvent(AdminTokenRevoked())]


def rotate(command: RotateToken, views: Sequence[StreamView]) -> Sequence[Sequence[NewEvent]]:
    """Decide a rotation, of the old token and its successor. Raises UnknownToken, Conflict for one that has ended."""
    of_old, of_new = views
    old = existing(of_old)
    if not old.works(of_old.now):
        raise Conflict("the token has ended: create another")
    if old.successor is not None:
        raise Conflict(f"the token was rotated to {old.successor}: rotate that one")
    event = AdminTokenRotated(command.token_id, cut_ms(of_old.now) + command.overlap)
    new = CreateToken(command.token_id, old.name, old.scopes, command.commitment, old.expires_at, old.confined_to)
    return [[NewEvent(event)], create(new, replace(of_new, now=of_old.now))]


def existing(view: StreamView) -> TokenState:
    """The token of the decision. Raises UnknownToken."""
    if not isinstance(view.state, TokenState):
        raise UnknownToken
    return view.state


def _faults(command: CreateToken) -> list[FieldFault]:
    faults = []
    if not 1 <= len(command.name) <= MAX_NAME or not command.name.isprintable():
        faults.append(FieldFault("name", f"must be 1 to {MAX_NAME} printable characters"))
    if not command.scopes or any(scope not in SCOPES for scope in command.scopes):
        faults.append(FieldFault("scopes", f"must be of {', '.join(SCOPES)}"))
    elif command.confined_to is not None:
        faults += confinement_faults(command.confined_to)
        whole = [scope for scope in command.scopes if scope not in CONFINABLE]
        if whole:
            faults.append(FieldFault("scopes", f"can't be confined: {', '.join(whole)}"))
    return faults


def _end_faults(expires_at: datetime | None, now: datetime) -> list[FieldFault]:
    if expires_at is None or expires_at > now:
        return []
    return [FieldFault("expires_at", f"must be in the future; it is {format_ms(now)} now")]
