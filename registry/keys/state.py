"""A key: its state, and how each event changes it. Pure.

Each tag is a register that holds the (effective_at, position) that set or removed it; the greatest wins. A removal is
remembered; otherwise an older set that arrives later, backdated, would bring the tag back.

A change that was recorded before its instant is scheduled. It is not in the registers until an event of the key is
recorded at or after that instant; till then `registers_at` adds it to them once it is due.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from registry.instant import cut_ms, from_ms, to_ms
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
    ScheduledChangeCancelled,
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


class Scheduled(msgspec.Struct, frozen=True, gc=False):
    """A change of tags that was recorded before its instant, at a position."""

    position: int
    effective_ms: int
    set: dict[str, str]
    remove: tuple[str, ...]
    reason: str | None

    @property
    def effective_at(self) -> datetime:
        """From when it counts."""
        return from_ms(self.effective_ms)

    @property
    def delta(self) -> dict[str, str | None]:
        """What it sets, and what it removes (None)."""
        return {**self.set, **dict.fromkeys(self.remove)}


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
    scheduled: tuple[Scheduled, ...] = ()

    def tags(self, at: datetime) -> dict[str, str]:
        """The tags at a time that is not before the last event, in the order of their names."""
        registers = self.registers_at(at)
        return {name: register.value for name, register in sorted(registers.items()) if register.value is not None}

    def registers_at(self, at: datetime) -> dict[str, Register]:
        """The registers at such a time, with the scheduled changes that are due. Not to be changed."""
        due = [] if not self.scheduled else [one for one in self.scheduled if one.effective_ms <= to_ms(at)]
        return _with(self.registers, due) if due else self.registers

    def pending(self, at: datetime) -> list[Scheduled]:
        """The scheduled changes that are not in effect at a time, the next one first."""
        waiting = [one for one in self.scheduled if one.effective_ms > to_ms(at)]
        return sorted(waiting, key=lambda one: (one.effective_ms, one.position))

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
    if state.scheduled:
        state = _settled(state, recorded.recorded_us)
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
        self._waiting: list[Scheduled] = []

    def take(self, recorded: AnyEvent) -> None:
        """The key's next event. Raises UndecodableEvent, ValueError."""
        if self._known_at is not None and recorded.position > self._known_at:
            return
        if self._at is None or recorded.effective_at <= self._at:
            event = codec.decode(recorded)
            self._state = evolve(self._state, recorded, event)
            if isinstance(event, ScheduledChangeCancelled):
                self._waiting = [one for one in self._waiting if one.position != event.scheduled_position]
        elif self._state is not None and is_scheduled(recorded) and cut_ms(recorded.recorded_at) <= self._at:
            self._wait_for(self._state, recorded)

    def _wait_for(self, state: KeyState, recorded: AnyEvent) -> None:
        """It was scheduled by then, and is in effect later: what was recorded after it must not settle it."""
        event = codec.decode(recorded)
        if isinstance(event, TagsChanged):
            self._waiting.append(_scheduled(recorded, event))
        self._state = replace(state, position=recorded.position, version=recorded.version)

    def state(self) -> KeyState | None:
        """The key by the events so far. None before it existed."""
        state, at = self._state, self._at
        if state is not None and self._waiting:
            state = replace(state, scheduled=(*state.scheduled, *self._waiting))
        if state is not None and at is not None and state.revoked_at is not None and at < state.revoked_at:
            return replace(state, revoked_at=None)  # an imported key's end is in its first event
        return state


def _changes(  # noqa: PLR0911 - one return per event
    state: KeyState, recorded: AnyEvent, event: Event
) -> dict[str, Any]:
    """The fields of a key that an event changes."""
    match event:
        case TagsChanged():
            return _tagged(state, recorded, event)
        case ScheduledChangeCancelled():
            kept = [one for one in state.scheduled if one.position != event.scheduled_position]
            return {"scheduled": tuple(kept)}
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


def _tagged(state: KeyState, recorded: AnyEvent, event: TagsChanged) -> dict[str, Any]:
    if is_scheduled(recorded):
        return {"scheduled": (*state.scheduled, _scheduled(recorded, event))}
    registers = state.registers.copy()
    write_registers(registers, recorded, event)
    return {"registers": registers}


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


def is_scheduled(recorded: AnyEvent) -> bool:
    """Whether an event changes tags from an instant on that was to come when it was recorded."""
    return recorded.type == TagsChanged.__name__ and recorded.effective_us > recorded.recorded_us


def _scheduled(recorded: AnyEvent, event: TagsChanged) -> Scheduled:
    return Scheduled(recorded.position, recorded.effective_ms, event.set, event.remove, recorded.reason)


def _settled(state: KeyState, recorded_us: int) -> KeyState:
    """The same key, with what was due when an event was recorded in its registers: it can't be cancelled any more."""
    due = [one for one in state.scheduled if one.effective_ms * 1000 <= recorded_us]
    if not due:
        return state
    waiting = tuple(one for one in state.scheduled if one not in due)
    return replace(state, registers=_with(state.registers, due), scheduled=waiting)


def _with(registers: Mapping[str, Register], due: Iterable[Scheduled]) -> dict[str, Register]:
    """Registers after some scheduled changes, which may have been recorded before what is in them."""
    found = dict(registers)
    for one in due:
        for name, value in one.delta.items():
            before = found.get(name)
            if before is None or (one.effective_ms, one.position) > (before.effective_ms, before.position):
                found[name] = Register(one.effective_ms, one.position, value)
    return found


def write_registers(registers: dict[str, Register], recorded: AnyEvent, event: TagsChanged) -> None:
    """Apply a delta to registers. Events arrive in position order, so for equal times this one wins."""
    at, position = recorded.effective_us // 1000, recorded.position
    delta = event.set.items() if not event.remove else {**event.set, **dict.fromkeys(event.remove)}.items()
    for name, value in delta:
        before = registers.get(name)
        if before is None or at >= before.effective_ms:
            registers[name] = Register(at, position, value)
