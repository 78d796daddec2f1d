"""What a write would append, decided as the write itself is, with all its refusals, and nothing appended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from registry.instant import cut_ms, to_us
from registry.log import codec
from registry.log.event_log import EventLog, NewEvent, RecordedEvent, StreamView, Write


@dataclass(frozen=True, slots=True)
class WouldBe:
    """The events that a write would append, and what it was decided on: all of the stream, the log's head, the clock.

    The events have no hash, and the position of the head: nothing of the log is later than they are.
    """

    events: tuple[RecordedEvent, ...]
    view: StreamView
    position: int

    @property
    def now(self) -> datetime:
        """The clock of the decision."""
        return self.view.now


async def what_if(log: EventLog, write: Write) -> WouldBe:
    """Decide a write under the log's lock, as it would be, but append nothing. Raises what the write would raise."""
    seen: list[tuple[StreamView, Sequence[NewEvent]]] = []

    def decide(view: StreamView) -> Sequence[NewEvent]:
        seen.append((view, write.decide(view)))
        return ()

    written = await log.write(replace(write, decide=decide, whole_stream=True))
    view, decided = seen[-1]  # a batch that is tried again decides again
    position = written.position
    events = tuple(_event(write, new, view, position, number) for number, new in enumerate(decided, start=1))
    return WouldBe(events, view, position)


def _event(write: Write, new: NewEvent, view: StreamView, position: int, number: int) -> RecordedEvent:
    encoded, caller = codec.encode(new.event), write.caller
    return RecordedEvent(
        position=position,
        stream=write.stream,
        version=view.version + number,
        type=encoded.type,
        schema_version=encoded.schema_version,
        recorded_us=to_us(view.now),
        effective_us=to_us(new.effective_at or cut_ms(view.now)),
        actor=caller.actor,
        on_behalf_of=caller.on_behalf_of,
        request_id=caller.request_id,
        reason=caller.reason,
        payload=encoded.payload,
        salt=b"",
        payload_digest=b"",
        hash=b"",
    )
