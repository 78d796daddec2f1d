"""A key: its state, and how each event changes it. Pure.

Each tag is a register that holds the (effective_at, position) that set or removed it; the greatest wins. A removal is
remembered, else an older set that arrives later, backdated, would bring the tag back.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import msgspec
from msgspec.structs import replace

from registry import wire
from registry.event_log import AnyEvent
from registry.events import (
    Event,
    ExpirationChanged,
    KeyCreated,
    KeyDescribed,
    KeyRevoked,
    TagsChanged,
)
from registry.instant import cut_ms

Status = Literal["active", "expired", "revoked"]


class Register(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A tag's last writer: its instant of effect in ms, its position, and the value it set (None: it removed it)."""

    effective_ms: int
    position: int
    value: str | None


class CredentialState(msgspec.Struct, frozen=True, gc=False):
    """One secret of a key."""

    credential_id: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


class KeyState(msgspec.Struct, frozen=True, gc=False):
    """A key as the fold of its events."""

    public_id: str
    created_at: datetime
    created_position: int
    position: int
    version: int
    description: str | None
    organization: str
    workspace: str
    expiration: datetime | None
    revoked_at: datetime | None
    registers: dict[str, Register]
    credentials: tuple[CredentialState, ...]

    @property
    def tags(self) -> dict[str, str]:
        """The tags, in the order of their names."""
        return {name: register.value for name, register in sorted(self.registers.items()) if register.value is not None}

    def status(self, at: datetime) -> Status:
        """What the key is at an instant, by what this state knows."""
        if self.revoked_at is not None and at >= self.revoked_at:
            return "revoked"
        if self.expiration is not None and at >= self.expiration:
            return "expired"
        return "active"


def evolve(state: KeyState | None, recorded: AnyEvent, event: Event) -> KeyState:
    """The state after an event. Raises ValueError for an event that can't follow the state: the log is wrong then."""
    if state is None or recorded.position <= state.position:
        if state is None and isinstance(event, KeyCreated):
            return _created(recorded, event)
        raise ValueError(f"{recorded.type} at position {recorded.position} can't follow in its key's stream")
    position, version = recorded.position, recorded.version
    if isinstance(event, TagsChanged):
        registers = state.registers.copy()
        write_registers(registers, recorded, event)
        return replace(state, position=position, version=version, registers=registers)
    if isinstance(event, KeyDescribed):
        return replace(state, position=position, version=version, description=event.description)
    if isinstance(event, ExpirationChanged):
        return replace(state, position=position, version=version, expiration=event.expiration)
    if isinstance(event, KeyRevoked):
        return replace(state, position=position, version=version, revoked_at=recorded.effective_at)
    raise ValueError(f"{recorded.type} at position {position} is no event of a key")


def fold(history: Iterable[AnyEvent], *, at: datetime | None = None, known_at: int | None = None) -> KeyState | None:
    """The key as of `at` (None: ever), as known at position `known_at` (None: all); None before it was."""
    state: KeyState | None = None
    for recorded in history:
        if (known_at is None or recorded.position <= known_at) and (at is None or recorded.effective_at <= at):
            state = evolve(state, recorded, wire.decode(recorded))
    return state


def _created(recorded: AnyEvent, event: KeyCreated) -> KeyState:
    at, written = recorded.effective_at, (recorded.effective_ms, recorded.position)
    return KeyState(
        public_id=event.public_id,
        created_at=at,
        created_position=recorded.position,
        position=recorded.position,
        version=recorded.version,
        description=event.description,
        organization=event.organization,
        workspace=event.workspace,
        expiration=None if event.expiration is None else cut_ms(event.expiration),
        revoked_at=None,
        registers={name: Register(*written, value) for name, value in event.tags.items()},
        credentials=(CredentialState(event.credential.credential_id, at),),
    )


def write_registers(registers: dict[str, Register], recorded: AnyEvent, event: TagsChanged) -> None:
    """Write a delta into registers. Events come in the order of their positions, so at one instant this one wins."""
    at, position = recorded.effective_us // 1000, recorded.position
    delta = event.set.items() if not event.remove else {**event.set, **dict.fromkeys(event.remove)}.items()
    for name, value in delta:
        before = registers.get(name)
        if before is None or at >= before.effective_ms:
            registers[name] = Register(at, position, value)
