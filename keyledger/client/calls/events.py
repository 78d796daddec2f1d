"""Calls on the feed of events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from keyledger.client.call import Call, query_of
from keyledger.client.model.events import EventPage

_WAIT_S: Final = 25


def list_events(
    after: int = 0, *, types: Sequence[str] = (), limit: int | None = None, wait_s: int | None = None
) -> Call[EventPage]:
    """A page of events after a position, of some types or of all.

    `wait_s`, 0 to 30, waits for the next event where there is none yet. `Client.follow` goes on from page to page.
    """
    query = query_of(after=after, type=types, limit=limit, wait_s=wait_s)
    return Call("GET", "/admin/events", EventPage, query)


def patiently(call: Call[EventPage]) -> Call[EventPage]:
    """The call as it is asked again and again: it waits for the next event, unless it says how long itself."""
    return call if "wait_s" in call.query else call.asking(wait_s=_WAIT_S)
