"""How many tags a key would have at any time, if its tags were changed. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter, itemgetter

from registry.errors import FieldFault, FieldsRefused
from registry.instant import format_ms, from_ms
from registry.keys.events import ScheduledChangeCancelled, tags_written
from registry.keys.state import KeyState, Scheduled
from registry.keys.tags import MAX_TAGS
from registry.log import codec
from registry.log.event_log import RecordedEvent


def refuse_crowds_after(history: Sequence[RecordedEvent], delta: Mapping[str, str | None], at: datetime) -> None:
    """Refuse a backdated delta that would give the key too many tags at its own or any later time."""
    events = [(recorded, codec.decode(recorded)) for recorded in history]
    never = {event.scheduled_position for _, event in events if isinstance(event, ScheduledChangeCancelled)}
    changes: list[tuple[datetime, int, Mapping[str, str | None]]] = [
        (recorded.effective_at, recorded.position, tags_written(event))
        for recorded, event in events
        if recorded.position not in never
    ]
    changes.append((at, history[-1].position + 1, delta))
    tags: dict[str, str | None] = {}
    in_order = sorted(changes, key=itemgetter(0, 1))
    for effective_at, together in groupby(in_order, key=itemgetter(0)):
        for _at, _position, change in together:
            tags.update(change)
        if effective_at >= at:
            _refuse_crowd(sum(value is not None for value in tags.values()), effective_at)


def refuse_crowds_ahead(
    state: KeyState, now: datetime, delta: Mapping[str, str | None], pending: Sequence[Scheduled]
) -> None:
    """Refuse a delta that counts from now on, and what is then scheduled, if the key had too many tags at any time."""
    tags: dict[str, str | None] = {**state.tags(now), **delta}
    _refuse_crowd(sum(value is not None for value in tags.values()), None)
    for effective_ms, together in groupby(pending, key=attrgetter("effective_ms")):
        for one in together:
            tags.update(one.delta)
        _refuse_crowd(sum(value is not None for value in tags.values()), from_ms(effective_ms))


def _refuse_crowd(count: int, at: datetime | None) -> None:
    if count > MAX_TAGS:
        when = "" if at is None else f" as of {format_ms(at)}"
        raise FieldsRefused(FieldFault("tags", f"would be {count}{when}: a key has at most {MAX_TAGS} tags"))
