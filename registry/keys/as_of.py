"""A key in the past: as of an instant, by what the log held up to a position. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from registry.errors import FieldFault, FieldsRefused
from registry.keys.state import KeyState


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment to look at: the state at the instant `at`, by the events up to position `known_at`."""

    at: datetime
    known_at: int


@dataclass(frozen=True, slots=True)
class PastKey:
    """A key as of a moment, and the head of the log when it was read."""

    key: KeyState
    moment: Moment
    position: int


def moment(head: int, now: datetime, at: datetime | None, known_at: int | None) -> Moment:
    """The requested moment. Default: the time `now`, and everything known at the head.

    Raises FieldsRefused for a position after the head.
    """
    if known_at is not None and known_at > head:
        raise FieldsRefused(FieldFault("known_at", f"is beyond the head of the log, {head}"), position=head)
    return Moment(at or now, head if known_at is None else known_at)
