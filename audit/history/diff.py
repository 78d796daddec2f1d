"""What changed between two positions: the keys that events between them touched, and what they did to them.

Memory holds a page of keys, and the life of one at a time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncEngine

from audit.history.fields import Value, fields_of, plain
from audit.history.streams import histories, keys_touched
from registry.instant import format_ms, from_ms
from registry.keys.events import key_stream, tags_written
from registry.keys.state import KeyState, fold
from registry.log import codec
from registry.log.event_log import RecordedEvent

PAGE = 200


@dataclass(frozen=True, slots=True)
class Span:
    """From an instant until another (None: until further notice) a tag has another value than was known before."""

    tag: str
    since: datetime
    until: datetime | None
    before: str | None
    after: str | None

    def json(self) -> dict[str, Any]:
        """As answers show it."""
        until = None if self.until is None else format_ms(self.until)
        return {
            "tag": self.tag,
            "from": format_ms(self.since),
            "until": until,
            "before": self.before,
            "after": self.after,
        }


@dataclass(frozen=True, slots=True)
class KeyDiff:
    """What became of a key: its fields as they are now (before, after), its tags at every instant, by which events."""

    public_id: str
    created: bool
    changes: dict[str, tuple[Value, Value]]
    timeline: tuple[Span, ...]
    events: tuple[int, ...]

    def json(self) -> dict[str, Any]:
        """As answers show it."""
        return {
            "public_id": self.public_id,
            "created": self.created,
            "changes": [
                {"field": name, "from": plain(before), "to": plain(after)}
                for name, (before, after) in self.changes.items()
            ],
            "timeline": [span.json() for span in self.timeline],
            "events": list(self.events),
        }


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
        changes={name: pair for name in names if (pair := (before.get(name), after.get(name)))[0] != pair[1]},
        timeline=tuple(_spans(history, since)),
        events=tuple(recorded.position for recorded in history if recorded.position > since),
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
