"""An event as a row of a table: which, when, about what, by whom, and what it changed. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from urllib.parse import quote

from keyledger.client.model.events import Event
from keyledger.client.model.keys import HistoryEvent
from keyledger.console.events.words import ENDS, HOLDS, When, Words, name_of, tags_of, when_of, words_of

_CLOCK: Final = "log-clock"
_POLICY: Final = "tag-policy"
# What a stream is about, by the first word of its name: in words, the page about it, and the scope of that page.
_ABOUT: Final[Mapping[str, tuple[str, str | None, str]]] = {
    "key": ("key", "/console/keys/{}", "keys:read"),
    "token": ("token", None, "admin"),
    "price": ("price", "/console/prices/{}", "prices:read"),
    "usage": ("usage of", None, ""),
}


@dataclass(frozen=True, slots=True)
class About:
    """What an event is about: `kind` in words, its id, and the page that shows it, if there is one for the viewer."""

    kind: str
    id: str
    address: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """One event. `when` says whether it took effect at another instant than it was recorded at."""

    position: int
    kind: str
    name: str
    weight: Literal["ends", "holds", ""]
    recorded_at: datetime
    effective_at: datetime
    when: When
    about: About
    actor: str
    on_behalf_of: str | None
    reason: str | None
    set: dict[str, str]
    remove: list[str]
    words: Words


@dataclass(frozen=True, slots=True)
class Viewer:
    """What of the viewer a row depends on: the scopes, and the names of tokens where those may be seen."""

    scopes: Collection[str]
    token_names: Mapping[str, str]


def row_of_event(event: Event, viewer: Viewer) -> Row:
    """The row of an event of the feed."""
    data = event.data
    past = HistoryEvent(
        position=data.position,
        version=data.version,
        type=event.type,
        recorded_at=event.time,
        effective_at=data.effective_at,
        actor=data.actor,
        on_behalf_of=data.on_behalf_of,
        reason=data.reason,
        data=data.payload,
    )
    return row_of(past, data.stream, viewer)


def row_of(event: HistoryEvent, stream: str, viewer: Viewer) -> Row:
    """The row of an event of a stream."""
    kind = kind_of(event.type)
    set_, removed = tags_of(kind, event.data)
    return Row(
        position=event.position,
        kind=kind,
        name=name_of(kind),
        weight="ends" if kind in ENDS else "holds" if kind in HOLDS else "",
        recorded_at=event.recorded_at,
        effective_at=event.effective_at,
        when=when_of(event.recorded_at, event.effective_at),
        about=about_of(stream, viewer),
        actor=actor_of(event.actor, viewer),
        on_behalf_of=event.on_behalf_of,
        reason=event.reason,
        set=set_,
        remove=removed,
        words=words_of(kind, event.data),
    )


def kind_of(event_type: str) -> str:
    """The plain name of a type: a CloudEvent's is `keyledger.KeyCreated.v1`."""
    parts = event_type.split(".")
    return parts[1] if len(parts) == 3 else event_type


def about_of(stream: str, viewer: Viewer) -> About:
    """What a stream is about."""
    if stream == _POLICY:
        return About("tag policy", "", "/console/policy" if "admin" in viewer.scopes else None)
    if stream == _CLOCK:
        return About("clock of the log", "", None)
    first, _, rest = stream.partition("-")
    words, page, scope = _ABOUT.get(first, (first, None, ""))
    address = page.format(quote(rest, safe="")) if page is not None and scope in viewer.scopes else None
    return About(words, rest, address)


def actor_of(actor: str, viewer: Viewer) -> str:
    """Who did it: a token by its name, where the viewer may see that."""
    first, _, token_id = actor.partition("-")
    if first != "token" or not token_id:
        return actor
    return viewer.token_names.get(token_id, f"token {token_id}")
