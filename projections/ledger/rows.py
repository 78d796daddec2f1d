"""The rows that an event adds to the ledger's ClickHouse tables. Pure, and the same for every delivery.

`clickhouse/tables/` defines the tables and columns. Every row carries its event's position, so that a bill as known at
an earlier position leaves it out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from registry.instant import to_ms
from registry.keys.events import (
    CredentialRevoked,
    Event,
    ExpirationChanged,
    KeyCreated,
    KeyImported,
    KeyResumed,
    KeyRevoked,
    KeyRotated,
    KeySuspended,
    ScheduledChangeCancelled,
    credential_issued,
    tags_written,
)
from registry.log import codec
from registry.log.chain_walk import Linked
from registry.log.event_log import RecordedEvent
from registry.prices.events import PriceEnded, PriceSet
from registry.prices.terms import COUNTED
from registry.usage.days import day_number
from registry.usage.events import UsageAnchored

TagChange = tuple[str, str, int, int, str | None, int]
Life = tuple[str, int, int, str, int | None, int]
Credential = tuple[str, str, int, int, str, int | None, int]
Anchor = tuple[str, UUID, int, int, int, int, int]
AnchorDay = tuple[str, UUID, int, int, int, int, int, int, int, int, int, Decimal, int]
# The amounts are in the order of COUNTED, then per_inference and cost_multiplier.
PriceRow = tuple[object, ...]
AppliedEvent = tuple[int, str, str, str, int]
Tally = tuple[int, int, int, int, int, int, int]

# No tag has this name: its values are the positions of scheduled changes that were cancelled.
CANCELLED = ""
# The day of usage without an instant.
NO_DAY = -1


@dataclass(slots=True)
class LedgerRows:
    """The rows of a batch of events, in the column order of `Store`."""

    tag_changes: list[TagChange] = field(default_factory=list)
    life: list[Life] = field(default_factory=list)
    credentials: list[Credential] = field(default_factory=list)
    anchors: list[Anchor] = field(default_factory=list)
    anchor_days: list[AnchorDay] = field(default_factory=list)
    prices: list[PriceRow] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Whether there is any row."""
        return bool(self.tag_changes or self.life or self.credentials or self.anchors or self.prices)


def project(events: Iterable[RecordedEvent], rows: LedgerRows | None = None) -> LedgerRows:
    """The rows of some events, added to `rows` if given. Raises UndecodableEvent: a projector must stop then."""
    rows = LedgerRows() if rows is None else rows
    for recorded in events:
        _project_one(recorded, rows)
    return rows


def applied_row(log_id: str, linked: Linked) -> AppliedEvent:
    """The row that says that all rows of an event are written."""
    event = linked.event
    return event.position, log_id, linked.previous_hash.hex(), event.hash.hex(), event.recorded_us


def tally(rows: LedgerRows, positions: Iterable[int]) -> list[Tally]:
    """How many rows of each kind the events at some positions have: the position, then in the order of LedgerRows."""
    tags = Counter(row[3] for row in rows.tag_changes)
    life = Counter(row[2] for row in rows.life)
    credentials = Counter(row[3] for row in rows.credentials)
    anchors = Counter(row[3] for row in rows.anchors)
    days = Counter(row[4] for row in rows.anchor_days)
    prices = Counter(row[1] for row in rows.prices)
    return [(at, tags[at], life[at], credentials[at], anchors[at], days[at], prices[at]) for at in positions]


def _project_one(recorded: RecordedEvent, rows: LedgerRows) -> None:
    event = codec.decode(recorded)
    if isinstance(event, UsageAnchored):
        _anchor(recorded, event, rows)
        return
    if isinstance(event, PriceSet | PriceEnded):
        rows.prices.append(_price(recorded, event))
        return
    public_id = recorded.stream.removeprefix("key-")
    at, position, recorded_us = recorded.effective_ms, recorded.position, recorded.recorded_us
    rows.tag_changes += [(tag, public_id, at, position, value, recorded_us) for tag, value in _tags(event)]
    rows.life += [(public_id, ms, position, kind, end, recorded_us) for ms, kind, end in _life(event, at)]
    rows.credentials += [
        (one, public_id, at, position, kind, end, recorded_us) for one, kind, end in _credentials(event)
    ]


def _anchor(recorded: RecordedEvent, event: UsageAnchored, rows: LedgerRows) -> None:
    source, journal, position = recorded.stream.removeprefix("usage-"), UUID(event.journal), recorded.position
    rows.anchors.append((source, journal, event.batch, position, event.part, event.parts, recorded.recorded_us))
    for one in event.days:
        day = NO_DAY if one.day is None else day_number(one.day)
        counts = (one.rows, one.inferences, one.input_tokens, one.output_tokens)
        cached = (one.cached_input_tokens, one.cached_output_tokens)
        sums = (*counts, *cached, Decimal(one.cost_usd), int(one.fingerprint, 16))
        rows.anchor_days.append((source, journal, day, event.batch, position, *sums))


def _price(recorded: RecordedEvent, event: PriceSet | PriceEnded) -> PriceRow:
    amounts: list[str | None] = [None] * (len(COUNTED) + 2)
    if isinstance(event, PriceSet):
        amounts = [*map(event.per_million.get, COUNTED), event.per_inference, event.cost_multiplier]
    return (
        event.price_id,
        recorded.position,
        recorded.effective_ms,
        "set" if isinstance(event, PriceSet) else "ended",
        event.model,
        event.provider,
        event.tags,
        event.currency,
        *(None if text is None else Decimal(text) for text in amounts),
        recorded.recorded_us,
    )


def _tags(event: Event) -> Iterator[tuple[str, str | None]]:
    """The tags that an event writes; as that of no name, the position of the change that it cancels."""
    if isinstance(event, ScheduledChangeCancelled):
        yield CANCELLED, str(event.scheduled_position)
    yield from tags_written(event).items()


def _life(event: Event, at: int) -> Iterator[tuple[int, str, int | None]]:
    """What an event effective at `at` means for its key's life: from when, what, and the expiration."""
    match event:
        case KeyCreated() | KeyImported():
            yield at, "created", _ms(event.expiration)
            if isinstance(event, KeyImported) and event.revoked_at is not None:
                yield to_ms(event.revoked_at), "revoked", None
        case ExpirationChanged():
            yield at, "expiration", _ms(event.expiration)
        case KeySuspended():
            yield at, "suspended", None
        case KeyResumed():
            yield at, "resumed", None
        case KeyRevoked():
            yield at, "revoked", None
        case _:
            pass  # descriptions and admin tokens decide no bill


def _credentials(event: Event) -> Iterator[tuple[str, str, int | None]]:
    """Which credential an event changes: id, how, and the expiration."""
    if issued := credential_issued(event):
        yield issued.credential_id, "created", None
    if isinstance(event, KeyRotated):
        for retired in event.retired:
            yield retired, "expiration", to_ms(event.expires_at)
    if isinstance(event, CredentialRevoked):
        yield event.credential_id, "revoked", None


def _ms(instant: datetime | None) -> int | None:
    return None if instant is None else to_ms(instant)
