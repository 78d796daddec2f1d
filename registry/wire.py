"""Payloads as bytes: canonical JSON out, typed events in, old schema versions through upcasters."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import msgspec
import rfc8785

from registry import events
from registry.errors import UndecodableEvent
from registry.event_log import NewEvent, RecordedEvent
from registry.events import Event
from registry.instant import format_ms

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]

# The version that each type is written in today. A changed shape is a new version here, an upcaster below from the one
# before, and a golden file under tests/golden/events/.
CURRENT: Final[dict[type[Event], int]] = {
    events.KeyCreated: 1,
    events.TagsChanged: 1,
    events.KeyDescribed: 1,
    events.ExpirationChanged: 1,
    events.KeyRevoked: 1,
    events.AdminTokenCreated: 1,
    events.AdminTokenRevoked: 1,
}
# (type, version) to the function that turns that version's JSON into the next one's.
UPCASTERS: Final[dict[tuple[str, int], Upcaster]] = {}

_DECODERS: Final = {(kind.__name__, version): msgspec.json.Decoder(kind).decode for kind, version in CURRENT.items()}
_KINDS: Final = {kind.__name__: kind for kind in CURRENT}


def encode(event: Event, effective_at: datetime | None = None) -> NewEvent:
    """The event ready to append, its payload in RFC 8785 canonical form (by the `rfc8785` library)."""
    fields = msgspec.to_builtins(event, builtin_types=(datetime,))
    plain = {name: format_ms(value) if isinstance(value, datetime) else value for name, value in fields.items()}
    return NewEvent(
        type=type(event).__name__,
        schema_version=CURRENT[type(event)],
        payload=rfc8785.dumps(plain),
        effective_at=effective_at,
    )


def decode(recorded: RecordedEvent) -> Event:
    """The typed event. Raises UndecodableEvent, naming the position, when type, version or payload is not known."""
    decoder = _DECODERS.get((recorded.type, recorded.schema_version))
    try:
        return decoder(recorded.payload) if decoder is not None else _upcast(recorded)
    except (msgspec.MsgspecError, KeyError, TypeError) as error:
        # The library's message may quote the payload; type and position are enough to find it.
        raise UndecodableEvent(
            f"the event at position {recorded.position} ({recorded.type} v{recorded.schema_version}) does not decode"
        ) from error


def _upcast(recorded: RecordedEvent) -> Event:
    kind = _KINDS[recorded.type]
    fields = msgspec.json.decode(recorded.payload)
    for version in range(recorded.schema_version, CURRENT[kind]):
        fields = UPCASTERS[recorded.type, version](fields)
    if recorded.schema_version > CURRENT[kind] or recorded.schema_version < 1:
        raise KeyError(recorded.schema_version)
    return msgspec.convert(fields, kind)
