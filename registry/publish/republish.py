"""Publishes a range of positions again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from registry.errors import FieldFault, FieldsRefused
from registry.log.chain_walk import LogReader
from registry.log.event_log import EventLog
from registry.log.log_position import position_in
from registry.publish.cloudevent import write_record
from registry.publish.producer import Publisher
from registry.publish.relay import WINDOW


@dataclass(frozen=True, slots=True)
class Range:
    """Positions to publish again, both ends included. `published` is how far the relay is."""

    since: int
    until: int
    published: int


async def republish(log: EventLog, again: Range, publisher: Publisher, progress: Callable[[int], None]) -> int:
    """Publish a range again; returns the number of events in it. `progress` gets each position reached.

    Does not move the checkpoint. Harmless while the relay runs, and may be repeated. Raises FieldsRefused if the range
    is empty or starts after the next position to publish, because a record could then overtake an earlier one of its
    key.
    """
    if not 0 < again.since <= again.published + 1:
        raise FieldsRefused(FieldFault("since", f"must be between 1 and {again.published + 1}, the next to publish"))
    if again.until < again.since:
        raise FieldsRefused(FieldFault("until", f"must not be before since, {again.since}"))
    reader = LogReader(log, await position_in(log, again.since - 1))
    reached = again.since - 1
    while reached < again.until:
        window = await reader.next(min(WINDOW, again.until - reached))
        if not window:
            break
        await publisher.publish([write_record(log.log_id, linked) for linked in window])
        reached = reader.at.position
        progress(reached)
    return reached - again.since + 1
