"""Which event it was, who made it, for whom, when and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from registry.log.event_log import RecordedEvent


@dataclass(frozen=True, slots=True)
class DescribedEvent:
    """An event without what it changed; `actor_name` is that of the admin token, None for the operator."""

    position: int
    version: int
    type: str
    recorded_at: datetime
    effective_at: datetime
    actor: str
    actor_name: str | None
    on_behalf_of: str | None
    request_id: str | None
    reason: str | None


def describe_event(recorded: RecordedEvent, actor_name: str | None) -> DescribedEvent:
    """The event, by the name of its actor."""
    return DescribedEvent(
        position=recorded.position,
        version=recorded.version,
        type=recorded.type,
        recorded_at=recorded.recorded_at,
        effective_at=recorded.effective_at,
        actor=recorded.actor,
        actor_name=actor_name,
        on_behalf_of=recorded.on_behalf_of,
        request_id=recorded.request_id,
        reason=recorded.reason,
    )
