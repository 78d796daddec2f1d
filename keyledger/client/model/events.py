"""The feed of events: CloudEvents, as the topic carries them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec


class EventData(msgspec.Struct, frozen=True):
    """What an event says, in `payload`, and what chains it to the one before."""

    position: int
    stream: str
    version: int
    effective_at: datetime
    actor: str
    on_behalf_of: str | None
    reason: str | None
    payload: dict[str, Any]
    salt: str
    previous_hash: str
    hash: str


class Event(msgspec.Struct, frozen=True):
    """A CloudEvent. `subject` is the `public_id` of the key, or the id of what else it is about."""

    id: str
    source: str
    type: str
    subject: str
    time: datetime
    sequence: str
    data: EventData
    requestid: str | None = None

    @property
    def position(self) -> int:
        """Its place in the log."""
        return self.data.position


class EventPage(msgspec.Struct, frozen=True):
    """Some events; go on after `next_after`, also where there are none."""

    items: list[Event]
    next_after: int
