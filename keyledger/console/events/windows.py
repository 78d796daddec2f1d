"""Pages of events with the newest first, out of an API that reads the log forward: by windows that go back from its
end, and grow while little in them fits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from keyledger.client.calls import list_events, list_key_events, list_tokens, show_key
from keyledger.client.errors import NotFound
from keyledger.client.model.events import Event
from keyledger.console.events.rows import Row, Viewer, kind_of, row_of, row_of_event
from keyledger.console.visit import Visit
from registry.keys.events import key_stream

_AT_ONCE: Final = 1000
# As much as one answer of the feed looks through for events of some types.
_WINDOW_MAX: Final = 5000
_WINDOWS: Final = 8
_PUBLIC_ID_LENGTH: Final = 12
# Those by which rows differ.
_SCOPES: Final = ("keys:read", "prices:read", "admin")


@dataclass(frozen=True, slots=True)
class Question:
    """Which events: of some types or all, about one thing (its id, or its stream) or all."""

    types: Sequence[str]
    about: str

    def fits(self, event: Event) -> bool:
        """Whether an event of one of the types is about it."""
        return not self.about or self.about in {event.subject, event.data.stream}


@dataclass(frozen=True, slots=True)
class Found:
    """Rows, newest first; `before` is where older ones begin, None at the log's beginning.

    The log was looked through from position `since`: where few events fit, not yet to its beginning.
    """

    rows: list[Row]
    since: int
    before: int | None


async def viewer_of(visit: Visit) -> Viewer:
    """What of the viewer rows depend on. Raises ClientError."""
    names: dict[str, str] = {}
    if visit.may("admin") and visit.session.principal.confined_to is None:
        tokens = await visit.ask(list_tokens(limit=1000))
        names = {one.token_id: one.name for one in tokens.items}
    return Viewer([scope for scope in _SCOPES if visit.may(scope)], names)


async def key_named(visit: Visit, about: str) -> str | None:
    """The `public_id` of the key that an id names, where the viewer may see it. Raises ClientError."""
    if len(about) != _PUBLIC_ID_LENGTH or not about.isalnum() or not about.isascii() or not visit.may("keys:read"):
        return None
    try:
        return (await visit.ask(show_key(about))).public_id
    except NotFound:
        return None


async def key_rows(visit: Visit, public_id: str, types: Sequence[str], before: int, want: int, viewer: Viewer) -> Found:
    """The events of one key, out of its own history. Raises ClientError."""
    history = [one async for one in visit.client.items(list_key_events(public_id, limit=_AT_ONCE))]
    fitting = [one for one in history if one.position < before and (not types or kind_of(one.type) in types)]
    shown = fitting[-want:]
    rows = [row_of(one, key_stream(public_id), viewer) for one in reversed(shown)]
    return Found(rows, 1, shown[0].position if len(fitting) > len(shown) else None)


async def newest(visit: Visit, question: Question, before: int, want: int, viewer: Viewer) -> Found:
    """The last events before a position. Raises ClientError."""
    found: list[Event] = []
    upper, size = before - 1, want if not question.types and not question.about else _AT_ONCE
    for _ in range(_WINDOWS):
        if upper <= 0 or len(found) >= want:
            break
        lower = max(0, upper - size)
        window = await _between(visit, question, lower, upper)
        found += reversed([event for event in window if question.fits(event)])
        upper, size = lower, min(size * 5, _WINDOW_MAX)
    shown = found[:want]
    rows = [row_of_event(event, viewer) for event in shown]
    if len(found) > want:
        return Found(rows, shown[-1].position, shown[-1].position)
    return Found(rows, upper + 1, upper + 1 if upper > 0 else None)


async def _between(visit: Visit, question: Question, after: int, until: int) -> list[Event]:
    """The events after a position up to another, of the types."""
    events: list[Event] = []
    while after < until:
        page = await visit.ask(list_events(after, types=question.types, limit=min(_AT_ONCE, until - after)))
        events += [event for event in page.items if event.position <= until]
        if page.next_after <= after:
            break
        after = page.next_after
    return events
