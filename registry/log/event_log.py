"""The port of the event log: what is written, what is read back, and the guarantees of both.

Positions are 1, 2, 3 … without gaps, in commit order. `recorded_at` strictly increases with them. Versions are 1, 2, 3
… within a stream. Every event's hash chains to its predecessor's. Adapters: `postgres` (the log) and `memory` (its
twin).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

import msgspec

from registry.instant import from_us, to_us
from registry.keys.events import Confinement, Event
from registry.policy.events import TagPolicySet
from registry.prices.place import Place


class Repeat(Protocol):
    """A request that its caller may repeat."""

    @property
    def id(self) -> bytes:
        """Under which its answer is kept."""

    def keep(self, result: Any) -> tuple[bytes, bytes]:
        """The digest of the request, and the answer that shows this result, sealed. Quick."""

    def drop(self) -> None:
        """What was made of a result is not kept: the request is decided again."""


class RecordedEvent(msgspec.Struct, frozen=True, gc=False):
    """An event of the log with everything its hash covers. `payload` is canonical JSON (RFC 8785), decoded by `codec`.

    Times are microseconds since 1970: most readers of a long log never need them as datetimes.
    """

    position: int
    stream: str
    version: int
    type: str
    schema_version: int
    recorded_us: int
    effective_us: int
    actor: str
    on_behalf_of: str | None
    request_id: str | None
    reason: str | None
    payload: bytes
    salt: bytes
    payload_digest: bytes
    hash: bytes

    @property
    def recorded_at(self) -> datetime:
        """When the log recorded it."""
        return from_us(self.recorded_us)

    @property
    def effective_at(self) -> datetime:
        """When it takes effect."""
        return from_us(self.effective_us)

    @property
    def effective_ms(self) -> int:
        """When it takes effect, in milliseconds since 1970."""
        return self.effective_us // 1000

    @classmethod
    def from_columns(cls, row: Sequence[Any]) -> RecordedEvent:
        """Build an event from the values of COLUMNS, with times as datetimes."""
        position, stream, version, kind, schema_version, recorded_at, effective_at, *rest = row
        return cls(position, stream, version, kind, schema_version, to_us(recorded_at), to_us(effective_at), *rest)


class Foldable(msgspec.Struct, frozen=True, gc=False):
    """The part of an event that its stream's state depends on: half as much to read, but its hash can't be checked."""

    position: int
    stream: str
    version: int
    type: str
    schema_version: int
    recorded_us: int
    effective_us: int
    reason: str | None
    payload: bytes

    @property
    def recorded_at(self) -> datetime:
        """When the log recorded it."""
        return from_us(self.recorded_us)

    @property
    def effective_at(self) -> datetime:
        """When it takes effect."""
        return from_us(self.effective_us)

    @property
    def effective_ms(self) -> int:
        """When it takes effect, in milliseconds since 1970."""
        return self.effective_us // 1000

    @classmethod
    def of(cls, event: RecordedEvent) -> Foldable:
        """That part of an event."""
        return cls(*(getattr(event, name) for name in cls.__struct_fields__))


AnyEvent = RecordedEvent | Foldable

# The columns of the event table, in the order of RecordedEvent's fields.
COLUMNS: Final = tuple(name.replace("_us", "_at") for name in RecordedEvent.__struct_fields__)


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to append, as decided. `effective_at` None means recorded_at, truncated to the millisecond."""

    event: Event
    effective_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a request. `actor` is the token's stream or `operator`.

    `on_behalf_of` is the person whom the caller claims to act for. `versions`, if given, are those at one of which the
    stream must be. `repeat`, if given, makes of the result what is kept for a repeat of the request. `confined_to`, if
    given, is what a key must be within: another does not exist for the caller.
    """

    actor: str
    on_behalf_of: str | None = None
    request_id: str | None = None
    reason: str | None = None
    versions: frozenset[int] | None = None
    repeat: Repeat | None = field(default=None, repr=False, compare=False)
    confined_to: Confinement | None = None


@dataclass(frozen=True, slots=True)
class Keeping:
    """What is kept in the append's transaction: `make` gets what was written and returns digest and sealed answer.

    `drop` is called where that transaction was not made, before the write is decided again.

    Where something is kept under the id already, the write is not decided at all: it raises AlreadyAnswered.
    """

    id: bytes
    make: Callable[[Any], tuple[bytes, bytes]] = field(repr=False)
    drop: Callable[[], None] = field(default=lambda: None, repr=False)


@dataclass(frozen=True, slots=True)
class Head:
    """The last event of the log; position 0 and the genesis hash if the log is empty."""

    position: int
    hash: bytes
    recorded_at: datetime | None


@dataclass(frozen=True, slots=True)
class StreamView:
    """What a decision sees: the stream's current state, and the time that its first event would get.

    `rivals` are the states of the prices at the place that the write names, with those that were just decided. `policy`
    is the tag policy where the write is `policed`; None where there is none.
    """

    now: datetime
    version: int
    state: Any
    history: tuple[RecordedEvent, ...] = ()
    rivals: tuple[Any, ...] = ()
    policy: TagPolicySet | None = None


@dataclass(frozen=True, slots=True)
class Write:
    """A request to append to one stream.

    `decide` is pure and quick: it gets the StreamView and returns the events to append (possibly none) or raises
    Refused. It is asked again where the log moved on before what it decided was written. `whole_stream` requests
    `StreamView.history`. `stops` says that it ends something: it is recorded whatever the clock says. `secrets`
    (credential or token id to the hash of its secret) are stored in the table of secrets in the same transaction.
    `place` requests `StreamView.rivals`, `policed` requests `StreamView.policy`. `keeping` says what is kept of the
    result in the same transaction. `new`: the stream's id was just made up, at random, so it is not looked for.
    """

    stream: str
    decide: Callable[[StreamView], Sequence[NewEvent]]
    caller: Caller
    whole_stream: bool = False
    stops: bool = False
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    place: Place | None = None
    keeping: Keeping | None = None
    policed: bool = False
    new: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """The result of a write: its events, the stream's state after them, and the head of the log after the write."""

    events: tuple[RecordedEvent, ...]
    state: Any
    position: int
    now: datetime


@dataclass(frozen=True, slots=True)
class WriteMany:
    """A request to append to several streams, each once: all of it or nothing.

    `decide` gets the StreamView of each stream, in their order, and returns the events of each: none where nothing is
    to change, None for a stream that the request turns out not to be about. `secrets` are by id, each a (stream, hash).
    `dry`: nothing is appended, and what would be is returned. The rest is as in Write.
    """

    streams: tuple[str, ...]
    decide: Callable[[Sequence[StreamView]], Sequence[Sequence[NewEvent] | None]]
    caller: Caller
    whole_stream: bool = False
    stops: bool = False
    secrets: Mapping[str, tuple[str, str]] = field(default_factory=dict, repr=False)
    keeping: Keeping | None = None
    policed: bool = False
    dry: bool = False
    new: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """What a WriteMany did to one stream: its state before and after, which may be the same, and the events."""

    before: Any
    after: Any
    events: tuple[RecordedEvent, ...]


@dataclass(frozen=True, slots=True)
class WrittenMany:
    """The result of a WriteMany: the streams that it is about, in its order, and the head of the log after it."""

    changes: tuple[Change, ...]
    position: int
    now: datetime


AnyWrite = Write | WriteMany


def keeping_of(caller: Caller, result_of: Callable[[Any], Any]) -> Keeping | None:
    """What is kept of a write of the caller's, by the result that is made of it; None where nothing is."""
    repeat = caller.repeat
    return None if repeat is None else Keeping(repeat.id, lambda written: repeat.keep(result_of(written)), repeat.drop)


class EventLog(Protocol):
    """An append-only log of events in one total order."""

    @property
    def log_id(self) -> UUID:
        """The random id that the log got when it was created."""

    @property
    def genesis_hash(self) -> bytes:
        """The hash that the first event chains to."""

    async def write(self, write: Write) -> Written:
        """Decide and append, atomically and durably. Concurrent writes share one transaction (group commit).

        Raises what `decide` raises, VersionConflict, Busy (nothing was appended) or OutcomeUnknown. Cancelling one
        caller never cancels the others; a cancelled write may or may not have been appended.
        """

    async def write_many(self, write: WriteMany) -> WrittenMany:
        """Decide on several streams at once and append to all of them or none. Raises as `write`."""

    def observe(self, changed: Callable[[Mapping[str, Any]], None]) -> None:
        """Have this called with the states, by stream, that each append of this process changes, once it is committed.

        It is called before any of the append's callers has its answer, mostly in order: compare positions. It must be
        quick, and raise nothing.
        """

    async def read(self, after: int, limit: int) -> list[RecordedEvent]:
        """Up to `limit` events with a position greater than `after`, in order. Never skips a position."""

    async def hashes(self, positions: Sequence[int]) -> dict[int, bytes]:
        """The hash of the event at each of `positions` that the log has."""

    async def read_stream(self, stream: str) -> list[RecordedEvent]:
        """All events of a stream, in order."""

    async def head(self) -> Head:
        """The last committed event."""

    async def wait_beyond(self, position: int, timeout_s: float) -> None:
        """Return when the log may have events after `position`, or after `timeout_s` at the latest."""

    async def close(self) -> None:
        """Let running writes finish and release all resources."""
