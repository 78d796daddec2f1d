"""Events of the log made by hand, and a log kept in a list."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from registry.instant import cut_ms, to_us
from registry.log import codec, stream_state
from registry.log.event_log import NewEvent, RecordedEvent, StreamView

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MS = timedelta(milliseconds=1)
_ONE = RecordedEvent(
    position=1,
    stream="key-k3yPubl1cId0",
    version=1,
    type="Noted",
    schema_version=1,
    recorded_us=to_us(NOON),
    effective_us=to_us(NOON),
    actor="operator",
    on_behalf_of=None,
    request_id=None,
    reason=None,
    payload=b"{}",
    salt=bytes(range(16)),
    payload_digest=b"",
    hash=b"",
)


def record(**fields: Any) -> RecordedEvent:
    """An event with some of its fields; `recorded_at` and `effective_at` may be given as datetimes."""
    for name in ("recorded_at", "effective_at"):
        if name in fields:
            fields[name.replace("_at", "_us")] = to_us(fields.pop(name))
    return msgspec.structs.replace(_ONE, **fields)


class Stream:
    """One stream as a decision sees it: appended to by hand, at instants that the test names."""

    def __init__(self, name: str = _ONE.stream) -> None:
        self.name = name
        self.history: list[RecordedEvent] = []
        self.state: Any = None

    def view(self, now: datetime) -> StreamView:
        """What a decision at `now` sees."""
        return StreamView(now, len(self.history), self.state, tuple(self.history))

    def append(self, new: Sequence[NewEvent], now: datetime) -> list[RecordedEvent]:
        """Record what was decided."""
        recorded = []
        for number, one in enumerate(new, start=1):
            encoded = codec.encode(one.event)
            event = record(
                stream=self.name,
                position=len(self.history) + number,
                version=len(self.history) + number,
                type=encoded.type,
                schema_version=encoded.schema_version,
                payload=encoded.payload,
                recorded_at=now,
                effective_at=one.effective_at or cut_ms(now),
            )
            self.state = stream_state.evolve(self.state, event, one.event)
            recorded.append(event)
        self.history += recorded
        return recorded
