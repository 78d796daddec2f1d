"""The decision that cancels a scheduled change of tags. Pure, like `commands`, where a change is scheduled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from registry.errors import Conflict, UnknownChange
from registry.instant import format_ms
from registry.keys.commands import HistoryNeeded, existing, refuse_full
from registry.keys.crowds import refuse_crowds_ahead
from registry.keys.events import ScheduledChangeCancelled
from registry.keys.state import is_scheduled
from registry.log import codec
from registry.log.event_log import NewEvent, StreamView


@dataclass(frozen=True, slots=True)
class CancelScheduled:
    """Cancel the scheduled change at a position, before it takes effect. A repeat changes nothing."""

    position: int


def cancel(command: CancelScheduled, view: StreamView) -> Sequence[NewEvent]:
    """Decide a cancellation, also of an ended key's. Raises UnknownChange, Conflict once the change is in effect."""
    state = existing(view)
    if any(one.position == command.position for one in state.pending(view.now)):
        refuse_full(view)
        left = [one for one in state.pending(view.now) if one.position != command.position]
        refuse_crowds_ahead(state, view.now, {}, left)
        return [NewEvent(ScheduledChangeCancelled(command.position))]
    if len(view.history) < view.version:
        raise HistoryNeeded
    for recorded in view.history:
        event = codec.decode(recorded)
        if isinstance(event, ScheduledChangeCancelled) and event.scheduled_position == command.position:
            return []
    changed = next((one for one in view.history if one.position == command.position and is_scheduled(one)), None)
    if changed is None:
        raise UnknownChange
    raise Conflict(
        f"the change is in effect since {format_ms(changed.effective_at)}: it can't be cancelled; change the tags again"
    )
