"""One inference explained: its rows, its bucket and why, the very events that gave it each tag, and its arithmetic.

What the bill says comes from ClickHouse, by the bill's own statement; why, from the log. Where the two don't agree, the
explanation says so: then the ledger is wrong, and `verify` says where.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from audit.explain.arithmetic import RowCharge, sums
from audit.explain.explanation import Explanation, Inference, WrittenTag
from audit.explain.rating import rate, totals
from audit.explain.reasons import Evidence, bucket_of
from audit.explain.rows import Read, ledger_tags, read_rows
from audit.history.events import describe_event
from projections.billing.line import LISTED
from projections.engine.client import ClickHouse
from projections.engine.templates import Names
from registry.errors import UnknownKey
from registry.instant import from_ms, to_ms
from registry.keys.events import token_stream
from registry.keys.secrets import PUBLIC_ID
from registry.keys.state import KeyState, evolve, fold
from registry.log import codec
from registry.log.event_log import RecordedEvent
from registry.prices.service import PriceQueries
from registry.queries import Queries

_END_MS = 253402300800000  # 10000-01-01: no question can name an instant from here on


async def explain(
    clickhouse: ClickHouse, names: Names, queries: Queries, book: PriceQueries, inference_id: UUID, position: int
) -> Explanation[KeyState]:
    """The explanation as known at `position`, which must be applied. Reads only.

    Raises UnknownInference, ClickHouseError, Busy, UndecodableEvent.
    """
    at = instant_of(inference_id)
    read = await read_rows(clickhouse, names, inference_id, None if at is None else to_ms(at), position)
    key = _Key(read, at, position, await _history(queries, read.billed.credential_id))
    by_log, reason = bucket_of(key.evidence)
    rating = await _rating(read, book, key, by_log)
    actors = {token_stream(one.token.token_id): one.token.name for one in await queries.tokens()}
    return Explanation(
        inference_id=inference_id,
        at=at,
        position=position,
        bucket=read.billed.bucket,
        reason=reason,
        disagreements=[*key.faults(by_log), *_charge_faults(read, rating), *await _tag_faults(clickhouse, names, key)],
        inference=_inference(read),
        public_id=key.public_id,
        key=key.then,
        tags=_tags(key, actors),
        models=list(read.models),
        model_rows=read.billed.model_rows,
        arithmetic=sums(read.models) if read.listed else [],
        rating=rating,
        usage=read.billed.figures,
        charges=read.charges,
        unrated=read.unrated,
        known_at=None,
    )


def instant_of(inference_id: UUID) -> datetime | None:
    """The instant in a version 7 UUID; None for others, and past the last year that a question can name."""
    at_ms = inference_id.int >> 80
    # The library looks at the variant too: of another one there is no version.
    return from_ms(at_ms) if inference_id.version == 7 and at_ms < _END_MS else None


@dataclass(slots=True)
class _Key:
    """The key of an inference by the log, and what ClickHouse says of it."""

    read: Read
    at: datetime | None
    position: int
    history: Sequence[RecordedEvent]
    evidence: Evidence = field(init=False)

    def __post_init__(self) -> None:
        billed = self.read.billed
        self.evidence = Evidence(
            at=self.at,
            position=self.position,
            has_inference=billed.has_inference,
            batch=billed.batch,
            credential_id=billed.credential_id,
            known=fold(self.history, known_at=self.position),
            then=None if self.at is None else fold(self.history, at=self.at, known_at=self.position),
            created_position=_issued_at(self.history, billed.credential_id),
        )

    @property
    def public_id(self) -> str | None:
        """Of the key, where it was known."""
        return None if self.evidence.key is None else self.evidence.key.public_id

    @property
    def then(self) -> KeyState | None:
        """The key as of the instant, where it was known."""
        return None if self.evidence.key is None else self.evidence.then

    @property
    def tags(self) -> Mapping[str, str]:
        """The key's tags as of the instant; none where it was not known."""
        return {} if self.then is None or self.at is None else self.then.tags(self.at)

    def faults(self, by_log: str) -> list[str]:
        """Where ClickHouse does not say what the log gives."""
        billed, found = self.read.billed, []
        if billed.bucket != by_log:
            found.append(f"the bill has it in {billed.bucket}, but by the log it is in {by_log}")
        if billed.public_id != (self.public_id or ""):
            found.append("the bill has it of another key than the log")
        if not self.read.adds_up:
            found.append("the figures of the bill are not the sums of the model rows")
        return found


async def _rating(read: Read, book: PriceQueries, key: _Key, bucket: str) -> list[RowCharge]:
    """The charges of the model rows by the log; none where not all rows are listed."""
    if not read.listed:
        return []
    tags = key.tags if bucket in LISTED else {}
    prices, _ = await book.all()
    return rate(read.models, prices, tags, None if key.at is None else to_ms(key.at), key.position)


def _charge_faults(read: Read, rating: Sequence[RowCharge]) -> list[str]:
    """Where the bill charges other than the prices in the log give."""
    if not read.listed or totals(rating) == (read.charges, read.unrated):
        return []
    return ["the charges of the bill are not those that the prices in the log give"]


async def _history(queries: Queries, credential_id: str) -> Sequence[RecordedEvent]:
    """The events of a credential's key, none where there is no such key: the gateway's rows may name anything."""
    if PUBLIC_ID.fullmatch(credential_id) is None:
        return ()
    try:
        return [event async for event in queries.life(await queries.stream(credential_id))]
    except UnknownKey:
        return ()


def _issued_at(history: Sequence[RecordedEvent], credential_id: str) -> int | None:
    """The position of the event by which a credential came to be."""
    state: KeyState | None = None
    for recorded in history:
        state = evolve(state, recorded, codec.decode(recorded))
        if any(one.credential_id == credential_id for one in state.credentials):
            return recorded.position
    return None


async def _tag_faults(clickhouse: ClickHouse, names: Names, key: _Key) -> list[str]:
    if key.then is None or key.at is None:
        return []
    billed = await ledger_tags(clickhouse, names, key.then.public_id, to_ms(key.at), key.position)
    wrong = sorted(name for name in billed.keys() | key.tags if billed.get(name) != key.tags.get(name))
    return [f"the tag {name} has another value in ClickHouse than the log gives" for name in wrong]


def _tags(key: _Key, actors: Mapping[str, str]) -> list[WrittenTag]:
    """Each tag at the instant with the event that set it, and those that an event had removed, with a null value."""
    by_position = {recorded.position: recorded for recorded in key.history}
    registers = {} if key.then is None or key.at is None else key.then.registers_at(key.at)
    tags = []
    for name, register in sorted(registers.items()):
        event = by_position[register.position]
        tags.append(WrittenTag(name, register.value, describe_event(event, actors.get(event.actor))))
    return tags


def _inference(read: Read) -> Inference | None:
    """The row that wins, and all that came; None for an orphan."""
    winner = next((row for row in read.inferences if row.wins), None)
    if winner is None:
        return None
    return Inference(winner.function, winner.credential_id or None, winner.claimed_tags, list(read.inferences))
