"""Which value each tag of a key had when, from the key's events as the API shows them. Pure.

Of the edits of one tag the later instant of effect wins, and at one instant the higher position (docs/keys.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from keyledger.client.model.keys import HistoryEvent
from keyledger.console.events.words import tags_of, when_of


@dataclass(frozen=True, slots=True)
class Span:
    """A tag's value from an instant until another; None: removed, and without an end. `event` set it."""

    name: str
    value: str | None
    since: datetime
    until: datetime | None
    event: HistoryEvent

    @property
    def origin(self) -> str:
        """How its instant came about."""
        return when_of(self.event.recorded_at, self.event.effective_at) or "when recorded"


def spans(events: Sequence[HistoryEvent]) -> list[Span]:
    """The spans of all tags, by name and time. A cancelled change has none."""
    cancelled = {one.data.get("scheduled_position") for one in events if one.type == "ScheduledChangeCancelled"}
    edits: dict[str, list[tuple[datetime, int, str | None, HistoryEvent]]] = {}
    for event in events:
        if event.position not in cancelled:
            kept, removed = tags_of(event.type, event.data)
            for name, value in {**kept, **dict.fromkeys(removed)}.items():
                edits.setdefault(name, []).append((event.effective_at, event.position, value, event))
    return [span for name in sorted(edits) for span in _of_one(name, edits[name])]


def _of_one(name: str, edits: list[tuple[datetime, int, str | None, HistoryEvent]]) -> list[Span]:
    ordered = sorted(edits, key=lambda edit: edit[:2])
    last = {at: (value, event) for at, _, value, event in ordered}
    starts = sorted(last)
    ends: list[datetime | None] = [*starts[1:], None]
    found: list[Span] = []
    for since, until in zip(starts, ends, strict=True):
        value, event = last[since]
        if found or value is not None:  # a removal of what was never there shows nothing
            found.append(Span(name, value, since, until, event))
    return found


@dataclass(frozen=True, slots=True)
class Bar:
    """A span as it is drawn: from and width in thousandths of the picture, and the number of its colour."""

    x: float
    width: float
    colour: int
    span: Span


@dataclass(frozen=True, slots=True)
class Picture:
    """A row of bars for each tag, between two instants."""

    since: datetime
    until: datetime
    now_x: float
    rows: list[tuple[str, list[Bar]]]


def picture(found: Sequence[Span], now: datetime) -> Picture | None:
    """The spans to scale; None where there is nothing to draw."""
    if not found:
        return None
    since = min(span.since for span in found)
    last = max(now, *(span.since for span in found))
    until = last + max((last - since) * 0.04, timedelta(minutes=1))
    length = (until - since) / timedelta(seconds=1)

    def at(instant: datetime) -> float:
        return round((instant - since) / timedelta(seconds=1) / length * 1000, 1)

    colours: dict[str, dict[str, int]] = {}
    rows: dict[str, list[Bar]] = {}
    for span in found:
        row = rows.setdefault(span.name, [])
        if span.value is not None:
            known = colours.setdefault(span.name, {})
            colour = known.setdefault(span.value, len(known))
            x = at(span.since)
            row.append(Bar(x, max(2.0, at(span.until or until) - x), colour % 8, span))
    return Picture(since, until, at(now), list(rows.items()))
