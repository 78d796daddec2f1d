"""An event as the rows that it adds to the ledger's ClickHouse tables. Pure, and the same for every delivery.

Which tables and columns: `clickhouse/tables/`. Every row carries its event's position, so that a bill as known at an
earlier position leaves it out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from registry import wire
from registry.event_log import RecordedEvent
from registry.events import ExpirationChanged, KeyCreated, KeyRevoked, TagsChanged
from registry.instant import to_ms

TagChange = tuple[str, str, int, int, str | None, int]
Life = tuple[str, int, int, str, int | None, int]
Credential = tuple[str, str, int, int, str, int | None, int]


@dataclass(slots=True)
class Rows:
    """The rows of a batch of events, in the column order of `Store`."""

    tag_changes: list[TagChange] = field(default_factory=list)
    life: list[Life] = field(default_factory=list)
    credentials: list[Credential] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Whether there is any row."""
        return bool(self.tag_changes or self.life or self.credentials)


def project(events: Iterable[RecordedEvent], rows: Rows | None = None) -> Rows:
    """The rows of some events, after those of `rows` where given. Raises UndecodableEvent: a projector must stop."""
    rows = Rows() if rows is None else rows
    for recorded in events:
        _project_one(recorded, rows)
    return rows


def _project_one(recorded: RecordedEvent, rows: Rows) -> None:
    event = wire.decode(recorded)
    public_id = recorded.stream.removeprefix("key-")
    at, position, recorded_us = recorded.effective_ms, recorded.position, recorded.recorded_us
    match event:
        case KeyCreated():
            expiration_ms = _ms(event.expiration)
            rows.tag_changes += [
                (tag, public_id, at, position, value, recorded_us) for tag, value in event.tags.items()
            ]
            rows.life.append((public_id, at, position, "created", expiration_ms, recorded_us))
            credential_id = event.credential.credential_id
            rows.credentials.append((credential_id, public_id, at, position, "created", None, recorded_us))
        case TagsChanged():
            delta: dict[str, str | None] = {**event.set, **dict.fromkeys(event.remove)}
            rows.tag_changes += [(tag, public_id, at, position, value, recorded_us) for tag, value in delta.items()]
        case ExpirationChanged():
            rows.life.append((public_id, at, position, "expiration", _ms(event.expiration), recorded_us))
        case KeyRevoked():
            rows.life.append((public_id, at, position, "revoked", None, recorded_us))
        case _:
            pass  # descriptions and admin tokens decide no bill


def _ms(instant: datetime | None) -> int | None:
    return None if instant is None else to_ms(instant)
