"""A key as it was: at an instant, by what the log held up to a position."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from registry.errors import FieldFault, FieldsRefused, UnknownKey
from registry.key import KeyState, fold
from registry.queries import Queries, Seen


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


def moment(seen: Seen, at: datetime | None, known_at: int | None) -> Moment:
    """The moment asked for: now where no instant is given, all that is known where no position is.

    Raises FieldsRefused for a position beyond the head.
    """
    if known_at is not None and known_at > seen.position:
        beyond = FieldFault("known_at", f"is beyond the head of the log, {seen.position}")
        raise FieldsRefused(beyond, position=seen.position)
    return Moment(at or seen.now, seen.position if known_at is None else known_at)


async def past_key(queries: Queries, any_id: str, at: datetime | None, known_at: int | None) -> PastKey:
    """The key that a credential's id leads to, as of a moment. Raises UnknownKey, FieldsRefused, Busy."""
    history, seen = await queries.history(await queries.stream(any_id))
    then = moment(seen, at, known_at)
    past = fold(history, at=then.at, known_at=then.known_at)
    if past is None:
        raise UnknownKey("the key was not created yet by then", position=seen.position)
    return PastKey(past, then, seen.position)
