"""What changed between two positions: the keys that events between them touched, and what they did to them.

Memory holds a page of keys, and the life of one at a time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncEngine

from audit.history.fields import Value, fields_of
from audit.history.streams import histories, keys_touched
from registry.instant import from_ms
from registry.keys.events import ScheduledChangeCancelled, key_stream, tags_written
from registry.keys.state import KeyState, fold
from registry.log import codec
from registry.log.event_log import RecordedEvent

PAGE = 200


@dataclass(frozen=True, slots=True)
class Span:
    """From an instant until another (None: until further notice) a tag has another value than was known before."""

    tag: str
    from_: datetime
    until: datetime | None
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """A field of a key that has another value now."""

    field: str
    from_: Value
    to: Value


@dataclass(frozen=True, slots=True)
class KeyDiff:
    """What became of a key: its fields as they are now, its tags at every instant, by the events at which positions."""

    public_id: str
    created: bool
    changes: list[FieldDifference]
    timeline: list[Span]
    events: list[int]


async def diff_keys(engine: AsyncEngine, since: int, until: int, at: datetime) -> AsyncIterator[KeyDiff]:
    """The keys that the events after position `since` up to `until` touched, in the database's order of public_id.

    The status is that at `at`, both as known then and as known now: that time went by is no change. Raises Busy,
    UndecodableEvent.
    """
    after = ""
    while streams := await keys_touched(engine, since, until, after, PAGE):
        page = [diff_key(history, since, at) async for _, history in histories(engine, streams, until)]
        for found in page:
            yield found
        after = streams[-1]


def diff_key(history: Sequence[RecordedEvent], since: int, at: datetime) -> KeyDiff:
    """What the events of one key after position `since` changed. Raises UndecodableEvent."""
    known, now = (fold(history, known_at=position) for position in (since, None))
    before, after = _fields(known, at), _fields(now, at)
    names = [*after, *(name for name in before if name not in after)]
    return KeyDiff(
        public_id=history[0].stream.removeprefix(key_stream("")),
        created=known is None,
        changes=[
            FieldDifference(name, before.get(name), after.get(name))
            for name in names
            if before.get(name) != after.get(name)
        ],
        timeline=list(_spans(history, since)),
        events=[recorded.position for recorded in history if recorded.position > since],
    )


def _fields(key: KeyState | None, at: datetime) -> dict[str, Value]:
    return {} if key is None else fields_of(key, at)


@dataclass(frozen=True, slots=True)
class _Write:
    """What an event made of a tag from an instant on, and whether that counts as known before, and now."""

    at_ms: int
    position: int
    value: str | None
    before: bool
    now: bool


def _spans(history: Sequence[RecordedEvent], since: int) -> Iterator[Span]:
    """Where on the line of time each tag differs from what was known at position `since`."""
    events = [(recorded, codec.decode(recorded)) for recorded in history]
    never = {
        event.scheduled_position: recorded.position
        for recorded, event in events
        if isinstance(event, ScheduledChangeCancelled)
    }
    writes: dict[str, list[_Write]] = defaultdict(list)
    touched: set[str] = set()
    for recorded, event in events:
        cancelled = never.get(recorded.position)
        before = recorded.position <= since and (cancelled is None or cancelled > since)
        for tag, value in tags_written(event).items():
            writes[tag].append(_Write(recorded.effective_ms, recorded.position, value, before, cancelled is None))
            if recorded.position > since or (cancelled or 0) > since:
                touched.add(tag)
    for tag in sorted(touched):
        yield from _spans_of(tag, sorted(writes[tag], key=lambda write: (write.at_ms, write.position)))


class _Pair(NamedTuple):
    """What was known of a tag before, and what is now."""

    before: str | None
    after: str | None


def _spans_of(tag: str, writes: Sequence[_Write]) -> Iterator[Span]:
    """The spans of one tag; writes come in the order in which they count."""
    start, pair = 0, _Pair(None, None)
    known: str | None = None
    now: str | None = None
    for place, write in enumerate(writes):
        known = write.value if write.before else known
        now = write.value if write.now else now
        if place + 1 < len(writes) and writes[place + 1].at_ms == write.at_ms:
            continue  # at one instant the last write counts
        if (known, now) != pair:
            if pair.before != pair.after:
                yield Span(tag, from_ms(start), from_ms(write.at_ms), *pair)
            start, pair = write.at_ms, _Pair(known, now)
    if pair.before != pair.after:
        yield Span(tag, from_ms(start), None, *pair)
