"""The writes of one transaction, decided one after another and stamped in order. Pure, apart from the salts passed in.

Both adapters run a batch through here under their lock, so order, versions, times and hashes are assigned in one place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from registry.errors import AlreadyAnswered, Busy, RegistryError, VersionConflict
from registry.instant import cut_ms, to_us
from registry.keys.events import Event
from registry.log import chain, codec, stream_state
from registry.log.event_log import Head, NewEvent, RecordedEvent, StreamView, Write, Written
from registry.prices.place import Place
from registry.prices.state import PriceState

MICROSECOND = timedelta(microseconds=1)
Outcome = Written | Exception


@dataclass(slots=True)
class Batch:
    """The working state of a batch: what the log holds, plus what earlier writes of the batch have added.

    With a `refusal`, only writes that stop something are appended; the others get it. With it, and if the last event is
    dated after the clock (`by_clock`), events are decided and take effect by the clock, though recorded after the last.
    `answered` are the ids of requests that have an answer; `kept` is what is to be kept of this batch's.
    """

    head: Head
    clock: datetime
    versions: dict[str, int]
    states: dict[str, Any]
    histories: dict[str, list[RecordedEvent]]
    new_salt: Callable[[], bytes]
    refusal: Busy | None = None
    by_clock: bool = False
    appended: list[RecordedEvent] = field(default_factory=list)
    changed: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, tuple[str, str]] = field(default_factory=dict, repr=False)
    answered: set[bytes] = field(default_factory=set)
    kept: dict[bytes, tuple[bytes, bytes]] = field(default_factory=dict, repr=False)

    def run(self, writes: Iterable[Write]) -> list[Outcome]:
        """Decide each write and stamp its events. A refusal fails only that write; any other error fails the batch."""
        return [self._run_one(write) for write in writes]

    def _run_one(self, write: Write) -> Outcome:
        keeping = write.keeping
        if keeping is not None and (keeping.id in self.answered or keeping.id in self.kept):
            return AlreadyAnswered()
        if self.refusal is not None and not write.stops:
            return self.refusal
        by_clock = self.by_clock or self.refusal is not None
        now = self.clock if by_clock else self._next_instant()
        stream, version = write.stream, self.versions[write.stream]
        history, rivals = tuple(self.histories.get(stream, ())), self._rivals(write.place)
        view = StreamView(now, version, self.states.get(stream), history, rivals)
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
        if by_clock:
            decided = [self._in_effect_now(write.stream, new) for new in decided]
        events = tuple([self._stamp(write, new) for new in decided])
        if events:
            self.secrets |= {name: (stream, value) for name, value in write.secrets.items()}
        written = Written(events, self.states.get(stream), self.head.position, now)
        if keeping is not None:
            self.kept[keeping.id] = keeping.make(written)
        return written

    def _rivals(self, place: Place | None) -> tuple[PriceState, ...]:
        """The prices at a place, as they are by now: in the log, or decided earlier in the batch."""
        if place is None:
            return ()
        return tuple(one for one in self.states.values() if isinstance(one, PriceState) and one.place == place)

    def _in_effect_now(self, stream: str, new: NewEvent) -> NewEvent:
        """An event that takes effect by the clock, though it is recorded after the last; not before the creation."""
        now = cut_ms(self.clock)
        created_at = getattr(self.states.get(stream), "created_at", now)
        return NewEvent(new.event, new.effective_at or max(now, created_at))

    def _next_instant(self) -> datetime:
        last = self.head.recorded_at
        return self.clock if last is None or last < self.clock else last + MICROSECOND

    def _stamp(self, write: Write, new: NewEvent) -> RecordedEvent:
        recorded_at = self._next_instant()
        salt = self.new_salt()
        caller = write.caller
        encoded = codec.encode(new.event)
        unhashed = RecordedEvent(
            position=self.head.position + 1,
            stream=write.stream,
            version=self.versions[write.stream] + 1,
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


def wanted(writes: Sequence[Write]) -> Mapping[str, bool]:
    """The streams of a batch, each with whether its full history is needed."""
    streams: dict[str, bool] = {}
    for write in writes:
        streams[write.stream] = streams.get(write.stream, False) or write.whole_stream
    return streams


def repeats(writes: Sequence[Write]) -> list[bytes]:
    """The ids of the requests that may be repeats."""
    return [write.keeping.id for write in writes if write.keeping is not None]


def places(writes: Sequence[Write]) -> list[Place]:
    """The places of prices that a batch decides on, each once."""
    return list(dict.fromkeys(write.place for write in writes if write.place is not None))
