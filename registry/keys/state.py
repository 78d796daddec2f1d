"""A key: its state, and how each event changes it. Pure.

Each tag is a register that holds the (effective_at, position) that set or removed it; the greatest wins. A removal is
remembered; otherwise an older set that arrives later, backdated, would bring the tag back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from registry.instant import cut_ms
from registry.keys.details import KeyDetails
from registry.keys.events import (
    CredentialRevoked,
    Event,
    ExpirationChanged,
    KeyBegun,
    KeyDescribed,
    KeyImported,
    KeyResumed,
    KeyRevoked,
    KeyRotated,
    KeySuspended,
    TagsChanged,
)
from registry.log import codec
from registry.log.event_log import AnyEvent

Ended = Literal["revoked", "expired"]
Status = Literal["active", "suspended"] | Ended


class Register(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A tag's last write: its effective time in ms, its position, and the value set (None if it was removed)."""

    effective_ms: int
    position: int
    value: str | None


class CredentialState(msgspec.Struct, frozen=True, gc=False):
    """One secret of a key."""

    credential_id: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def ends_by(self, at: datetime) -> bool:
        """Whether the credential has ended by a time, regardless of the key."""
        return any(end is not None and end <= at for end in (self.expires_at, self.revoked_at))


class KeyState(msgspec.Struct, frozen=True, gc=False):
    """A key as the fold of its events."""

    public_id: str
    created_at: datetime
    created_position: int
    position: int
    version: int
    expiration: datetime | None
    revoked_at: datetime | None
    registers: dict[str, Register]
    credentials: tuple[CredentialState, ...]
    suspended_at: datetime | None = None
    details: KeyDetails = KeyDetails()

    @property
    def tags(self) -> dict[str, str]:
        """The tags, in the order of their names."""
        return {name: register.value for name, register in sorted(self.registers.items()) if register.value is not None}

    def status(self, at: datetime) -> Status:
        """The key's status at a time, according to this state."""
        ended = self.ended(at)
        if ended != "revoked" and self.suspended_at is not None:
            return "suspended"
        return ended or "active"

    def ended(self, at: datetime) -> Ended | None:
        """How the key has ended by a time, ignoring a suspension.

        A revocation counts at once: it can be dated later than a clock that was set back.
        """
        if self.revoked_at is not None:
            return "revoked"
        if self.expiration is not None and at >= self.expiration:
            return "expired"
        return None

    def credential(self, credential_id: str) -> CredentialState | None:
        """The credential with that id."""
        return next((one for one in self.credentials if one.credential_id == credential_id), None)


def evolve(state: KeyState | None, recorded: AnyEvent, event: Event) -> KeyState:
    """The state after an event. Raises ValueError for an event that can't follow the state: then the log is wrong."""
    if state is None or recorded.position <= state.position:
        if state is None and isinstance(event, KeyBegun):
            return _begun(recorded, event)
        raise ValueError(f"{recorded.type} at position {recorded.position} can't follow in its key's stream")
    changes = _changes(state, recorded, event)
    return replace(state, position=recorded.position, version=recorded.version, **changes)


def fold(history: Iterable[AnyEvent], *, at: datetime | None = None, known_at: int | None = None) -> KeyState | None:
    """The key as of `at` (None: any time), as known at position `known_at` (None: all). None before it existed."""
    past = Past(at, known_at)
    for recorded in history:
        past.take(recorded)
    return past.state()


class Past:
    """A key as of an instant and a position, as `fold` gives it, from one event after the other."""

    def __init__(self, at: datetime | None, known_at: int | None) -> None:
        self._at = at
        self._known_at = known_at
        self._state: KeyState | None = None

    def take(self, recorded: AnyEvent) -> None:
        """The key's next event. Raises UndecodableEvent, ValueError."""
        known = self._known_at is None or recorded.position <= self._known_at
        if known and (self._at is None or recorded.effective_at <= self._at):
            self._state = evolve(self._state, recorded, codec.decode(recorded))

    def state(self) -> KeyState | None:
        """The key by the events so far. None before it existed."""
        state, at = self._state, self._at
        if state is not None and at is not None and state.revoked_at is not None and at < state.revoked_at:
            return replace(state, revoked_at=None)  # an imported key's end is in its first event
        return state


def _changes(  # noqa: PLR0911 - one return per event
    state: KeyState, recorded: AnyEvent, event: Event
) -> dict[str, Any]:
    """The fields of a key that an event changes."""
    match event:
        case TagsChanged():
            registers = state.registers.copy()
            write_registers(registers, recorded, event)
            return {"registers": registers}
        case KeyDescribed():
            return {"details": replace(state.details, description=event.description)}
        case ExpirationChanged():
            return {"expiration": _cut(event.expiration)}
        case KeySuspended():
            return {"suspended_at": recorded.effective_at}
        case KeyResumed():
            return {"suspended_at": None}
        case KeyRotated():
            added = CredentialState(event.credential.credential_id, recorded.effective_at)
            return {"credentials": (*_ended(state, event.retired, expires_at=event.expires_at), added)}
        case CredentialRevoked():
            return {"credentials": _ended(state, (event.credential_id,), revoked_at=recorded.effective_at)}
        case KeyRevoked():
            return {"revoked_at": recorded.effective_at}
    raise ValueError(f"{recorded.type} at position {recorded.position} is no event of a key")


def _ended(state: KeyState, ids: Sequence[str], **end: datetime) -> tuple[CredentialState, ...]:
    return tuple(replace(one, **end) if one.credential_id in ids else one for one in state.credentials)


def _begun(recorded: AnyEvent, event: KeyBegun) -> KeyState:
    at, written = recorded.effective_at, (recorded.effective_ms, recorded.position)
    return KeyState(
        public_id=event.public_id,
        created_at=at,
        created_position=recorded.position,
        position=recorded.position,
        version=recorded.version,
        details=event.details,
        expiration=_cut(event.expiration),
        revoked_at=event.revoked_at if isinstance(event, KeyImported) else None,
        registers={name: Register(*written, value) for name, value in event.tags.items()},
        credentials=(CredentialState(event.credential.credential_id, at),),
    )


def _cut(instant: datetime | None) -> datetime | None:
    """Truncate as the log does: a decided value may have more digits."""
    return None if instant is None else cut_ms(instant)


def write_registers(registers: dict[str, Register], recorded: AnyEvent, event: TagsChanged) -> None:
    """Apply a delta to registers. Events arrive in position order, so for equal times this one wins."""
    at, position = recorded.effective_us // 1000, recorded.position
    delta = event.set.items() if not event.remove else {**event.set, **dict.fromkeys(event.remove)}.items()
    for name, value in delta:
        before = registers.get(name)
        if before is None or at >= before.effective_ms:
            registers[name] = Register(at, position, value)
