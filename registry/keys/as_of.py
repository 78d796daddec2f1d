"""A key as it was: at an instant, by what the log held up to a position. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from registry.errors import FieldFault, FieldsRefused
from registry.keys.state import KeyState


@dataclass(frozen=True, slots=True)
class Moment:
    """What is looked at: what held at the instant `at`, by the events up to position `known_at`."""

    at: datetime
    known_at: int


@dataclass(frozen=True, slots=True)
class PastKey:
    """A key as of a moment, and the head of the log when it was read."""

    key: KeyState
    moment: Moment
    position: int


def moment(head: int, now: datetime, at: datetime | None, known_at: int | None) -> Moment:
    """The moment asked for: now where no instant is given, all that is known where no position is.

    Raises FieldsRefused for a position beyond the head.
    """
    if known_at is not None and known_at > head:
        raise FieldsRefused(FieldFault("known_at", f"is beyond the head of the log, {head}"), position=head)
    return Moment(at or now, head if known_at is None else known_at)
