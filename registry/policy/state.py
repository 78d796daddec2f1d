"""The tag policy as of its last event, which says all of it. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from registry.keys.events import Event
from registry.log import codec
from registry.log.event_log import AnyEvent, RecordedEvent
from registry.policy.events import TagPolicySet


class PolicyState(msgspec.Struct, frozen=True, gc=False):
    """The policy that counts, and when, where and as which version it was set."""

    policy: TagPolicySet
    set_at: datetime
    position: int
    version: int


def evolve(recorded: AnyEvent, event: Event) -> PolicyState:
    """The policy after an event. Raises ValueError for an event of another stream."""
    if not isinstance(event, TagPolicySet):
        raise ValueError(  # noqa: TRY004 - as every event that can't be in a stream
            f"{recorded.type} says nothing of the tag policy"
        )
    return PolicyState(event, recorded.recorded_at, recorded.position, recorded.version)


def state_of(row: Any) -> PolicyState | None:
    """The policy by a row of `sql/current.sql`. Raises UndecodableEvent."""
    if row["position"] is None:
        return None
    recorded = RecordedEvent.from_columns(tuple(row)[1:])
    return evolve(recorded, codec.decode(recorded))
