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
from registry.keys.events import key_stream, tags_written
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


def _spans(history: Sequence[RecordedEvent], since: int) -> Iterator[Span]:
    """Where on the line of time each tag differs from what was known at position `since`."""
    writes: dict[str, list[tuple[int, int, str | None]]] = defaultdict(list)
    touched: set[str] = set()
    for recorded in history:
        for tag, value in tags_written(codec.decode(recorded)).items():
            writes[tag].append((recorded.effective_ms, recorded.position, value))
            if recorded.position > since:
                touched.add(tag)
    for tag in sorted(touched):
        yield from _spans_of(tag, sorted(writes[tag], key=lambda write: write[:2]), since)


class _Pair(NamedTuple):
    """What was known of a tag before, and what is now."""

    before: str | None
    after: str | None


def _spans_of(tag: str, writes: Sequence[tuple[int, int, str | None]], since: int) -> Iterator[Span]:
    """The spans of one tag; writes come in the order in which they count."""
    start, pair = 0, _Pair(None, None)
    known: str | None = None
    for place, (at_ms, position, value) in enumerate(writes):
        known = value if position <= since else known
        if place + 1 < len(writes) and writes[place + 1][0] == at_ms:
            continue  # at one instant the last write counts
        if (known, value) != pair:
            if pair.before != pair.after:
                yield Span(tag, from_ms(start), from_ms(at_ms), *pair)
            start, pair = at_ms, _Pair(known, value)
    if pair.before != pair.after:
        yield Span(tag, from_ms(start), None, *pair)
