"""The writes of one transaction, decided one after another and stamped in order. Pure, apart from the salts passed in.

Both adapters run a batch through here under their lock, so order, versions, times and hashes are assigned in one place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from registry.errors import AlreadyAnswered, Busy, RegistryError, VersionConflict
from registry.instant import cut_ms, to_us
from registry.keys.events import Event
from registry.log import chain, codec, stream_state
from registry.log.event_log import (
    AnyWrite,
    Caller,
    Change,
    Head,
    NewEvent,
    RecordedEvent,
    StreamView,
    Write,
    WriteMany,
    Written,
    WrittenMany,
)
from registry.policy.events import POLICY_STREAM, TagPolicySet
from registry.policy.state import PolicyState
from registry.prices.place import Place
from registry.prices.state import PriceState

MICROSECOND = timedelta(microseconds=1)
Outcome = Written | WrittenMany | Exception


@dataclass(slots=True)
class Batch:
    """The working state of a batch: what the log holds, plus what earlier writes of the batch have added.

    With a `refusal`, only writes that stop something are appended; the others get it. With it, and if the last event is
    dated after the clock (`by_clock`), events are decided and take effect by the clock, though recorded after the last.
    `answered` are the ids of requests that have an answer; `kept` is what is to be kept of this batch's. `rebuilds` is
    how often rows of states had been rebuilt when they were read.
    """

    head: Head
    clock: datetime
    versions: dict[str, int]
    states: dict[str, Any]
    histories: dict[str, list[RecordedEvent]]
    new_salt: Callable[[], bytes]
    refusal: Busy | None = None
    by_clock: bool = False
    rebuilds: int = 0
    appended: list[RecordedEvent] = field(default_factory=list)
    changed: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, tuple[str, str]] = field(default_factory=dict, repr=False)
    answered: set[bytes] = field(default_factory=set)
    kept: dict[bytes, tuple[bytes, bytes]] = field(default_factory=dict, repr=False)

    def run(self, writes: Iterable[AnyWrite]) -> list[Outcome]:
        """Decide each write and stamp its events. A refusal fails only that write; any other error fails the batch."""
        return [self._run_many(write) if isinstance(write, WriteMany) else self._run_one(write) for write in writes]

    def take(
        self, stream: str, caller: Caller, decided: Iterable[NewEvent], *, by_clock: bool
    ) -> tuple[RecordedEvent, ...]:
        """Add what was decided on a stream; `by_clock`: it takes effect then, though recorded later. Returns events."""
        if by_clock:
            decided = [self._in_effect_now(stream, new) for new in decided]
        return tuple([self._stamp(stream, caller, new) for new in decided])

    def _refused(self, write: AnyWrite) -> Exception | None:
        """Why a write is not decided at all."""
        keeping = write.keeping
        if keeping is not None and (keeping.id in self.answered or keeping.id in self.kept):
            return AlreadyAnswered()
        return None if write.stops else self.refusal

    def _now(self) -> tuple[datetime, bool]:
        """The time of the next decision, and whether it is the clock's though the last event is dated after that."""
        by_clock = self.by_clock or self.refusal is not None
        return (self.clock if by_clock else self._next_instant()), by_clock

    def _run_one(self, write: Write) -> Outcome:
        if refused := self._refused(write):
            return refused
        now, by_clock = self._now()
        stream, version = write.stream, self.versions[write.stream]
        history, rivals = tuple(self.histories.get(stream, ())), self._rivals(write.place)
        view = StreamView(now, version, self.states.get(stream), history, rivals, self._policy(write))
        try:
            expected = write.caller.versions
            if expected is not None and version not in expected:
                if not version:
                    write.decide(view)  # what does not exist is refused as such
                raise VersionConflict(stream, expected, version)
            decided = write.decide(view)
        except Exception as error:  # noqa: BLE001 - it becomes the result of this write only
            if isinstance(error, RegistryError):
                error.position = self.head.position
            return error
        events = self.take(stream, write.caller, decided, by_clock=by_clock)
        if events:
            self.secrets |= {name: (stream, value) for name, value in write.secrets.items()}
        written = Written(events, self.states.get(stream), self.head.position, now)
        self._keep(write, written)
        return written

    def _run_many(self, write: WriteMany) -> Outcome:
        if refused := self._refused(write):
            return refused
        now, by_clock = self._now()
        policy = self._policy(write)
        views = [
            StreamView(now, self.versions[one], self.states.get(one), tuple(self.histories.get(one, ())), policy=policy)
            for one in write.streams
        ]
        try:
            decided = write.decide(views)
        except Exception as error:  # noqa: BLE001 - it becomes the result of this write only
            if isinstance(error, RegistryError):
                error.position = self.head.position
            return error
        taking = self._copy() if write.dry else self
        changes = []
        for stream, view, new in zip(write.streams, views, decided, strict=True):
            if new is not None:
                events = taking.take(stream, write.caller, new, by_clock=by_clock)
                changes.append(Change(view.state, taking.states.get(stream), events))
        if not write.dry:
            self.secrets |= {name: one for name, one in write.secrets.items() if one[0] in self.changed}
        written = WrittenMany(tuple(changes), self.head.position, now)
        self._keep(write, written)
        return written

    def _keep(self, write: AnyWrite, written: Written | WrittenMany) -> None:
        if write.keeping is not None:
            self.kept[write.keeping.id] = write.keeping.make(written)

    def _copy(self) -> Batch:
        """A batch that takes events without a change to this one."""
        return replace(
            self,
            versions=self.versions.copy(),
            states=self.states.copy(),
            histories={stream: list(history) for stream, history in self.histories.items()},
            appended=list(self.appended),
            changed=self.changed.copy(),
        )

    def _rivals(self, place: Place | None) -> tuple[PriceState, ...]:
        """The prices at a place, as they are by now: in the log, or decided earlier in the batch."""
        if place is None:
            return ()
        return tuple(one for one in self.states.values() if isinstance(one, PriceState) and one.place == place)

    def _policy(self, write: AnyWrite) -> TagPolicySet | None:
        """The tag policy as it is by now: in the log, or set earlier in the batch."""
        state: PolicyState | None = self.states.get(POLICY_STREAM) if write.policed else None
        return None if state is None else state.policy

    def _in_effect_now(self, stream: str, new: NewEvent) -> NewEvent:
        """An event that takes effect by the clock, though it is recorded after the last; not before the creation."""
        now = cut_ms(self.clock)
        created_at = getattr(self.states.get(stream), "created_at", now)
        return NewEvent(new.event, new.effective_at or max(now, created_at))

    def _next_instant(self) -> datetime:
        last = self.head.recorded_at
        return self.clock if last is None or last < self.clock else last + MICROSECOND

    def _stamp(self, stream: str, caller: Caller, new: NewEvent) -> RecordedEvent:
        recorded_at = self._next_instant()
        salt = self.new_salt()
        encoded = codec.encode(new.event)
        unhashed = RecordedEvent(
            position=self.head.position + 1,
            stream=stream,
            version=self.versions[stream] + 1,
            type=encoded.type,
            schema_version=encoded.schema_version,
            recorded_us=to_us(recorded_at),
            effective_us=to_us(new.effective_at or cut_ms(recorded_at)),
            actor=caller.actor,
            on_behalf_of=caller.on_behalf_of,
            request_id=caller.request_id,
            reason=caller.reason,
            payload=encoded.payload,
            salt=salt,
            payload_digest=chain.payload_digest(salt, encoded.payload),
            hash=b"",
        )
        recorded = chain.sealed(self.head.hash, unhashed)
        self._advance(recorded, new.event)
        return recorded

    def _advance(self, recorded: RecordedEvent, event: Event) -> None:
        stream = recorded.stream
        self.head = Head(recorded.position, recorded.hash, recorded.recorded_at)
        self.versions[stream] = recorded.version
        if stream in self.histories:
            self.histories[stream].append(recorded)
        state = stream_state.evolve(self.states.get(stream), recorded, event)
        if state is not None:
            self.states[stream] = self.changed[stream] = state
        self.appended.append(recorded)


def wanted(writes: Sequence[AnyWrite]) -> Mapping[str, bool]:
    """The streams of a batch, each with whether its full history is needed."""
    streams: dict[str, bool] = {}
    for write in writes:
        for stream in streams_of(write):
            streams[stream] = streams.get(stream, False) or write.whole_stream
        if write.policed:
            streams.setdefault(POLICY_STREAM, False)
    return streams


def new_streams(writes: Sequence[AnyWrite]) -> frozenset[str]:
    """The streams whose ids were just made up."""
    return frozenset(stream for write in writes if write.new for stream in streams_of(write))


def streams_of(write: AnyWrite) -> Sequence[str]:
    """The streams that a write is about."""
    return write.streams if isinstance(write, WriteMany) else (write.stream,)


def repeats(writes: Sequence[AnyWrite]) -> list[bytes]:
    """The ids of the requests that may be repeats."""
    return [write.keeping.id for write in writes if write.keeping is not None]


def places(writes: Sequence[AnyWrite]) -> list[Place]:
    """The places of prices that a batch decides on, each once."""
    found = [write.place for write in writes if isinstance(write, Write)]
    return list(dict.fromkeys(place for place in found if place is not None))
