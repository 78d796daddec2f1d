"""Decisions that suspend and resume a key and rotate or revoke its credentials. Pure, like `commands`.

A suspension can be undone, a revocation can't. A rotation adds a credential and keeps the key, its tags and its
history.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from registry.errors import Conflict, UnknownCredential
from registry.instant import cut_ms, format_ms
from registry.keys.commands import existing, refuse_full
from registry.keys.events import (
    CredentialRevoked,
    IssuedCredential,
    KeyResumed,
    KeyRotated,
    KeySuspended,
)
from registry.keys.state import KeyState
from registry.log.event_log import NewEvent, StreamView

# How many credentials a key may have in its life: each is in every response that shows the key.
MAX_CREDENTIALS: Final = 1000
# The maximum time for which two secrets may both work, because that is a risk.
MAX_OVERLAP: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class RotateKey:
    """Give a key a new credential. The others end after `overlap`, or at once if it is None: they are compromised."""

    credential: IssuedCredential
    overlap: timedelta | None


@dataclass(frozen=True, slots=True)
class RevokeCredential:
    """Revoke one credential permanently. A repeat changes nothing."""

    credential_id: str


def suspend(view: StreamView) -> Sequence[NewEvent]:
    """Decide a suspension. A repeat changes nothing. An expired key can be suspended, so that nothing can revive it."""
    state = existing(view)
    _refuse_revoked(state, "suspended")
    if state.suspended_at is not None:
        return []
    refuse_full(view)
    return [NewEvent(KeySuspended())]


def resume(view: StreamView) -> Sequence[NewEvent]:
    """Decide a resumption. Changes nothing if the key is not suspended; an expired key stays expired."""
    state = existing(view)
    _refuse_revoked(state, "resumed")
    if state.suspended_at is None:
        return []
    # Never before the suspension, which a clock may have dated after now.
    return [NewEvent(KeyResumed(), state.suspended_at if state.suspended_at > view.now else None)]


def rotate(command: RotateKey, view: StreamView) -> Sequence[NewEvent]:
    """Decide a rotation. A suspended key can be rotated and stays suspended."""
    state = existing(view)
    _refuse_revoked(state, "rotated")
    if state.ended(view.now) is not None:
        raise Conflict(f"the key expired at {_at(state)}: give it a new expiration first")
    refuse_full(view)
    if len(state.credentials) >= MAX_CREDENTIALS:
        raise Conflict(f"a key has at most {MAX_CREDENTIALS} credentials in its life: make a new key")
    compromised = command.overlap is None
    end = cut_ms(view.now) + (command.overlap or timedelta(0))
    retired = tuple(one.credential_id for one in state.credentials if not one.ends_by(end))
    return [NewEvent(KeyRotated(command.credential, retired, end, compromised))]


def revoke_credential(command: RevokeCredential, view: StreamView) -> Sequence[NewEvent]:
    """Decide a credential's revocation, even of the last one that works: then the key has none until it is rotated."""
    state = existing(view)
    credential = state.credential(command.credential_id)
    if credential is None:
        raise UnknownCredential
    if credential.revoked_at is not None:
        return []
    if state.revoked_at is not None:
        raise Conflict("the key is revoked, and with it every credential")
    return [NewEvent(CredentialRevoked(command.credential_id))]


def _refuse_revoked(state: KeyState, what: str) -> None:
    if state.revoked_at is not None:
        raise Conflict(f"the key is revoked, for good: it can't be {what}")


def _at(state: KeyState) -> str:
    return "" if state.expiration is None else format_ms(state.expiration)
