"""What a caller can request for a key, and the decisions. Pure: time, ids and commitments are passed in as values.

A command is a frozen value. `decide(command, view)` returns the events to append, none if nothing changes, or raises
Refused. It runs under the log's lock, so it must be quick.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Final

from registry.errors import Conflict, FieldFault, FieldsRefused, Forbidden, UnknownKey
from registry.instant import cut_ms, format_ms, from_ms, to_ms
from registry.keys.crowds import refuse_crowds_after, refuse_crowds_ahead
from registry.keys.details import KeyDetails
from registry.keys.events import (
    ExpirationChanged,
    IssuedCredential,
    KeyCreated,
    KeyDescribed,
    KeyRevoked,
    TagsChanged,
)
from registry.keys.state import KeyState, Scheduled
from registry.keys.tags import MAX_TAGS
from registry.log.event_log import NewEvent, StreamView
from registry.policy.rules import key_faults, tag_faults

# How many different tag names a key may have in its life: removals are remembered, so without a limit the state would
# grow forever.
MAX_TAG_NAMES_EVER = 1024
# Events of one key: reading its past loads them all, and so does a backdated edit of a key with many tag names.
MAX_VERSIONS = 20_000
# How many changes of one key may wait for their instant, because every answer that shows the key has them; and how far
# ahead.
MAX_SCHEDULED: Final = 32
MAX_AHEAD: Final = timedelta(days=366)


class Unset:
    """The type of UNSET: a member that the patch does not contain, as opposed to null."""


UNSET: Final = Unset()


@dataclass(frozen=True, slots=True)
class CreateKey:
    """Create a key with its first credential."""

    credential: IssuedCredential
    tags: Mapping[str, str] = field(default_factory=dict)
    details: KeyDetails = field(default_factory=KeyDetails)
    expiration: datetime | None = None


@dataclass(frozen=True, slots=True)
class EditKey:
    """Change tags (a merge patch: None removes), description or expiration.

    `effective_at` dates the tags and is allowed only with tags; in the future it schedules the change. `may_backdate`
    says whether the caller may name a time in the past.
    """

    tags: Mapping[str, str | None] | Unset = UNSET
    description: str | Unset | None = UNSET
    expiration: datetime | Unset | None = UNSET
    effective_at: datetime | None = None
    reason: str | None = None
    may_backdate: bool = False


@dataclass(frozen=True, slots=True)
class RevokeKey:
    """Revoke a key permanently. A repeat changes nothing."""


class HistoryNeeded(Exception):
    """The decision needs the full stream in its StreamView: call again with it."""


def create(command: CreateKey, view: StreamView) -> Sequence[NewEvent]:
    """Decide a creation."""
    if view.version:
        raise Conflict("a key with this public_id exists: try again")
    _refuse_past(command.expiration, view.now)
    if view.policy is not None and (faults := key_faults(view.policy, command.tags)):
        raise FieldsRefused(*faults)
    event = KeyCreated(
        public_id=command.credential.credential_id,
        details=command.details,
        tags=dict(command.tags),
        expiration=command.expiration,
        credential=command.credential,
    )
    return [NewEvent(event)]


def revoke(_command: RevokeKey, view: StreamView) -> Sequence[NewEvent]:
    """Decide a revocation. An expired key can be revoked, so that nothing can revive it."""
    state = existing(view)
    return [] if state.revoked_at is not None else [NewEvent(KeyRevoked())]


def edit(command: EditKey, view: StreamView) -> Sequence[NewEvent]:
    """Decide a merge patch."""
    state = existing(view)
    refuse_full(view)
    _check_effective_at(command, state, view.now)
    _refuse_ended(command, state, view.now)
    changes: list[NewEvent] = []
    if not isinstance(command.expiration, Unset) and command.expiration != state.expiration:
        _refuse_past(command.expiration, view.now)
        changes.append(NewEvent(ExpirationChanged(command.expiration)))
    if not isinstance(command.tags, Unset):
        changes.extend(_tag_changes(command, command.tags, state, view))
    if not isinstance(command.description, Unset) and command.description != state.details.description:
        changes.append(NewEvent(KeyDescribed(command.description)))
    return changes


def existing(view: StreamView) -> KeyState:
    """The key of the decision. Raises UnknownKey."""
    if view.state is None:
        raise UnknownKey
    state: KeyState = view.state
    return state


def refuse_full(view: StreamView) -> None:
    """Raise Conflict if a key already has the maximum number of events."""
    if view.version >= MAX_VERSIONS:
        raise Conflict(f"a key has at most {MAX_VERSIONS} events: make a new key")


def _refuse_past(expiration: datetime | None, now: datetime) -> None:
    if expiration is not None and expiration <= now:
        raise FieldsRefused(FieldFault("expiration", f"must be in the future; it is {format_ms(now)} now"))


def _check_effective_at(command: EditKey, state: KeyState, now: datetime) -> None:
    """`effective_at` needs a patch of tags only, within the key's life so far; in the past also scope and reason."""
    at = command.effective_at
    if at is None:
        return
    if isinstance(command.tags, Unset):
        raise _fault("goes with tags: the patch has none")
    if not (isinstance(command.description, Unset) and isinstance(command.expiration, Unset)):
        raise _fault("goes with tags alone: send description and expiration in a patch of their own")
    if at < state.created_at:
        raise _fault(f"must not be before the key's creation at {format_ms(state.created_at)}")
    if at > now + MAX_AHEAD:
        raise _fault(f"must be at most {MAX_AHEAD.days} days ahead; it is {format_ms(now)} now")
    if at < cut_ms(now):
        if not command.may_backdate:
            raise Forbidden("an effective_at in the past needs the scope keys:backdate")
        if not (command.reason or "").strip():
            raise FieldsRefused(FieldFault("reason", "is required with an effective_at in the past"))


def _fault(message: str) -> FieldsRefused:
    return FieldsRefused(FieldFault("effective_at", message))


def _refuse_ended(command: EditKey, state: KeyState, now: datetime) -> None:
    """For a revoked or expired key, allow only changes to its past and its description.

    An expired key can be revived.
    """
    ended = state.ended(now)
    revives = (
        ended == "expired" and not isinstance(command.expiration, Unset) and command.expiration != state.expiration
    )
    if ended is None or revives:
        return
    if ended == "revoked" and not isinstance(command.expiration, Unset):
        raise Conflict("the key is revoked: its expiration can't be changed")
    if isinstance(command.tags, Unset) or not command.tags:
        return
    end = state.revoked_at if ended == "revoked" else state.expiration
    if end is not None and (command.effective_at is None or command.effective_at >= end):
        raise Conflict(
            f"the key is {ended}: its tags can be corrected only with an effective_at before {format_ms(end)}"
        )


def _tag_changes(command: EditKey, tags: Mapping[str, str | None], state: KeyState, view: StreamView) -> list[NewEvent]:
    """The delta: all of the patch if a time is given, otherwise only what differs from the current tags."""
    at, current = command.effective_at, state.tags(view.now)
    delta = dict(tags) if at is not None else {k: v for k, v in tags.items() if current.get(k) != v}
    if not delta:
        return []
    if view.policy is not None and (faults := tag_faults(view.policy, delta)):
        raise FieldsRefused(*faults)
    names = state.registers.keys() | delta.keys() | {name for one in state.scheduled for name in one.delta}
    if len(names) > MAX_TAG_NAMES_EVER:
        message = f"would be more than {MAX_TAG_NAMES_EVER} different names in this key's life: use fewer names"
        raise FieldsRefused(FieldFault("tags", message))
    pending = state.pending(view.now)
    if at is None:
        at = _not_before_registers(state, delta, view.now)
        refuse_crowds_ahead(state, view.now, delta, pending)
    elif at > view.now:
        if len(pending) >= MAX_SCHEDULED:
            raise _fault(f"would be one scheduled change too many: a key has at most {MAX_SCHEDULED}, cancel one")
        last = Scheduled(state.position + 1, to_ms(at), _set(delta), _removed(delta), None)
        refuse_crowds_ahead(state, view.now, {}, sorted([*pending, last], key=attrgetter("effective_ms", "position")))
    elif len(names) > MAX_TAGS:  # otherwise no instant can have too many
        if len(view.history) < view.version:
            raise HistoryNeeded
        refuse_crowds_after(view.history, delta, at)
    return [NewEvent(TagsChanged(_set(delta), _removed(delta)), at)]


def _set(delta: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in delta.items() if value is not None}


def _removed(delta: Mapping[str, str | None]) -> tuple[str, ...]:
    return tuple(sorted(name for name, value in delta.items() if value is None))


def _not_before_registers(state: KeyState, delta: Mapping[str, str | None], now: datetime) -> datetime | None:
    """None for now. An edit that a clock had dated later, before it was set back, must not override this one."""
    registers = state.registers_at(now)
    latest = max((registers[name].effective_ms for name in delta if name in registers), default=0)
    return from_ms(latest) if latest > to_ms(now) else None
