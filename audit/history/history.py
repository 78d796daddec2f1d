"""The life of a key as a person reads it: who, when, why, and what changed from what to what. Pure.

An event writes some fields of its stream, from its own instant of effect on. `from_` is what was known of that instant
just before the event. So a correction of the past is compared with the past, and not with what counts today.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Final

import msgspec
from msgspec import structs

from audit.history.events import DescribedEvent, describe_event
from audit.history.fields import ACTIVE, STATUS, Value, until
from registry.instant import cut_ms, from_ms, to_ms
from registry.keys.events import (
    AdminTokenCreated,
    AdminTokenRevoked,
    AdminTokenRotated,
    ClockDivergenceAccepted,
    CredentialRevoked,
    Event,
    ExpirationChanged,
    KeyBegun,
    KeyCreated,
    KeyDescribed,
    KeyImported,
    KeyResumed,
    KeyRevoked,
    KeyRotated,
    KeySuspended,
    ScheduledChangeCancelled,
    TagsChanged,
    tags_written,
)
from registry.log import codec
from registry.log.event_log import RecordedEvent
from registry.policy.events import TagPolicySet
from registry.prices.events import PriceEnded, PriceSet
from registry.prices.terms import COUNTED
from registry.usage.events import UsageAnchored

_EVER = 2**63
# Of a key that was imported with its end: the only one that an event brings for later than its own instant.
REVOKED_AT: Final = "revoked_at"
# Events that change the status of their key, token or price, and nothing else.
_STATUSES: Final[Mapping[type[Event], str]] = {
    KeySuspended: "suspended",
    KeyResumed: ACTIVE,
    KeyRevoked: "revoked",
    AdminTokenRevoked: "revoked",
    PriceEnded: "ended",
}


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that an event wrote.

    `until` is the instant from which the write does not count, as a later one had been written already; None where it
    counts until further notice.
    """

    field: str
    from_: Value
    to: Value
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Entry(DescribedEvent):
    """An event as a person reads it; `backdated`: it counts from an instant before it was known."""

    backdated: bool
    changes: list[FieldChange]


def written(  # noqa: PLR0911 - a shape of event each
    event: Event,
) -> dict[str, Value]:
    """What an event writes, by field. `status` is what it makes of its key or token: expiry is no event.

    A new type of event has its case here. Raises ValueError for one that has none.
    """
    match event:
        case KeyCreated() | KeyImported():
            return {**_tags(event), **_begun(event)}
        case TagsChanged():
            return _tags(event)
        case ScheduledChangeCancelled():
            return {}  # what it takes back was written by another event
        case KeyDescribed():
            return {"description": event.description}
        case ExpirationChanged():
            return {"expiration": event.expiration}
        case KeyRotated():
            issued = event.credential.credential_id
            return {**{_of(one): until(event.expires_at) for one in event.retired}, _of(issued): ACTIVE}
        case CredentialRevoked():
            return {_of(event.credential_id): "revoked"}
    if status := _STATUSES.get(type(event)):
        return {STATUS: status}
    return _of_others(event)


def _of_others(event: Event) -> dict[str, Value]:
    """What an event of no key writes."""
    match event:
        case AdminTokenCreated():
            return {**_token(event), STATUS: ACTIVE}
        case AdminTokenRotated():
            return {"successor": event.successor, "expires_at": event.expires_at}
        case ClockDivergenceAccepted():
            return {"last_recorded_at": event.last_recorded_at, "clock": event.clock}
        case UsageAnchored():
            return _anchored(event)
        case TagPolicySet():
            return {"tags": _rules(event), "closed": "true" if event.closed else "false"}
        case PriceSet():
            return _priced(event)
    raise ValueError(f"{type(event).__name__} has no words for its history")


def _token(event: AdminTokenCreated) -> dict[str, Value]:
    within = event.confined_to
    named: dict[str, Value] = {"name": event.name, "scopes": event.scopes, "expires_at": event.expires_at}
    if within is not None:
        places = {"organization": within.organization, "workspace": within.workspace}
        named |= {f"confined_to.{name}": value for name, value in {**_named_tags(within.tags), **places}.items()}
    return {name: value for name, value in named.items() if value is not None}


def _begun(event: KeyBegun) -> dict[str, Value]:
    source, revoked_at = (event.source, event.revoked_at) if isinstance(event, KeyImported) else (None, None)
    named = {
        "source": source,
        **structs.asdict(event.details),
        "expiration": event.expiration,
        REVOKED_AT: revoked_at,
        _of(event.credential.credential_id): ACTIVE,
        STATUS: ACTIVE,
    }
    return {name: value for name, value in named.items() if value is not None}


def _priced(event: PriceSet) -> dict[str, Value]:
    """Every amount that a price can have: one that is not named any more is gone."""
    amounts = {f"per_million.{name}": event.per_million.get(name) for name in COUNTED}
    others = {"per_inference": event.per_inference, "cost_multiplier": event.cost_multiplier}
    selector = {"model": event.model, "provider": event.provider or "any", **_named_tags(event.tags)}
    return {**selector, "currency": event.currency, **amounts, **others, STATUS: ACTIVE}


def _rules(event: TagPolicySet) -> str:
    return msgspec.json.encode(event.tags, order="sorted").decode()


def _named_tags(tags: Mapping[str, str]) -> dict[str, Value]:
    return {f"tags.{name}": value for name, value in sorted(tags.items())}


def _anchored(event: UsageAnchored) -> dict[str, Value]:
    days = {
        f"days.{one.day or 'none'}": f"{one.rows} rows, {one.inferences} inferences, {one.cost_usd} USD, "
        f"fingerprint {one.fingerprint}"
        for one in event.days
    }
    return {"journal": event.journal, "batch": str(event.batch), "part": f"{event.part} of {event.parts}", **days}


def _of(credential_id: str) -> str:
    return f"credentials.{credential_id}"


def _tags(event: Event) -> dict[str, Value]:
    return {f"tags.{name}": value for name, value in sorted(tags_written(event).items())}


@dataclass(slots=True)
class _Timeline:
    """What was written of one field, in the order in which it counts."""

    places: list[tuple[int, int]] = field(default_factory=list)  # (effective_ms, position)
    values: list[Value] = field(default_factory=list)

    def at(self, at_ms: int) -> Value:
        place = bisect_right(self.places, (at_ms, _EVER))
        return self.values[place - 1] if place else None

    def after(self, at_ms: int) -> datetime | None:
        """When the next write counts."""
        place = bisect_right(self.places, (at_ms, _EVER))
        return from_ms(self.places[place][0]) if place < len(self.places) else None

    def place_of(self, position: int) -> int | None:
        """The instant that the event at a position wrote; None if it wrote none."""
        return next((at_ms for at_ms, by in self.places if by == position), None)

    def remove(self, position: int) -> None:
        """Take out what the event at a position wrote."""
        place = next(place for place, (_, by) in enumerate(self.places) if by == position)
        del self.places[place], self.values[place]

    def write(self, at_ms: int, position: int, value: Value) -> None:
        place = bisect_right(self.places, (at_ms, position))
        self.places.insert(place, (at_ms, position))
        self.values.insert(place, value)


class History:
    """The events of one stream as a person reads them; `names` are those of admin tokens, by their streams."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names
        self._fields: dict[str, _Timeline] = defaultdict(_Timeline)

    def entry(self, recorded: RecordedEvent) -> Entry:
        """The stream's next event, from its first on. Raises UndecodableEvent."""
        event = codec.decode(recorded)
        if isinstance(event, ScheduledChangeCancelled):
            changes = list(self._cancel(event.scheduled_position))
        else:
            changes = list(self._write(recorded, written(event)))
        described = describe_event(recorded, self._names.get(recorded.actor))
        backdated = recorded.effective_at < cut_ms(recorded.recorded_at)
        of_event = {one.name: getattr(described, one.name) for one in fields(described)}
        return Entry(**of_event, backdated=backdated, changes=changes)

    def _cancel(self, position: int) -> Iterator[FieldChange]:
        """Take a scheduled change out of the fields that it wrote, from its own instant on."""
        for name, line in self._fields.items():
            if (at_ms := line.place_of(position)) is not None:
                before = line.at(at_ms)
                line.remove(position)
                yield FieldChange(name, before, line.at(at_ms), line.after(at_ms))

    def _write(self, recorded: RecordedEvent, values: Mapping[str, Value]) -> Iterator[FieldChange]:
        """Take an event; what it changes. The status comes last: an expiration decides it too."""
        at_ms, position = recorded.effective_ms, recorded.position
        status = self._status(at_ms)
        for name, value in values.items():
            line = self._fields[name]
            if name != STATUS:
                yield FieldChange(name, line.at(at_ms), value, line.after(at_ms))
            line.write(at_ms, position, value)
        if isinstance(ended := values.get(REVOKED_AT), datetime):
            self._fields[STATUS].write(to_ms(ended), position, "revoked")
        if self._status(at_ms) != status:
            yield FieldChange(STATUS, status, self._status(at_ms), self._fields[STATUS].after(at_ms))

    def _status(self, at_ms: int) -> Value:
        status, expiration = (self._fields[name].at(at_ms) for name in (STATUS, "expiration"))
        ended = isinstance(expiration, datetime) and to_ms(expiration) <= at_ms
        return "expired" if status == ACTIVE and ended else status
