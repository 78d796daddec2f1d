"""The event log's in-memory twin: the same guarantees except durability, for tests of code that uses the port."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from registry.keys.events import ClockDivergenceAccepted
from registry.log import chain
from registry.log.append.batch import Batch, Outcome, places, wanted
from registry.log.append.clock_watch import Accepted, ClockBounds, ClockWatch
from registry.log.append.group_commit import GroupCommit
from registry.log.event_log import AnyWrite, Head, RecordedEvent, Write, WriteMany, Written, WrittenMany
from registry.prices.state import PriceState


def _utc_now() -> datetime:
    return datetime.now(UTC)


class MemoryEventLog:
    """An EventLog in a list. One event loop, one process."""

    def __init__(
        self, *, clock: Callable[[], datetime] = _utc_now, step_back_bound: timedelta = timedelta(seconds=5)
    ) -> None:
        self._log_id = uuid4()
        self._clock = clock
        bounds = ClockBounds(back=step_back_bound)
        self._watch = ClockWatch(bounds, now=clock, uptime_s=lambda: clock().timestamp())
        self._events: list[RecordedEvent] = []
        self._states: dict[str, Any] = {}
        self._secrets: dict[str, tuple[str, str]] = {}
        self._answered: set[bytes] = set()
        self._observers: list[Callable[[Mapping[str, Any]], None]] = []
        self._grown = asyncio.Condition()
        self._group = GroupCommit(self._flush)

    @property
    def log_id(self) -> UUID:
        """See EventLog."""
        return self._log_id

    @property
    def genesis_hash(self) -> bytes:
        """See EventLog."""
        return chain.genesis_hash(self._log_id)

    async def write(self, write: Write) -> Written:
        """See EventLog."""
        return await self._group.submit(write)

    async def write_many(self, write: WriteMany) -> WrittenMany:
        """See EventLog."""
        return await self._group.submit(write)

    def observe(self, changed: Callable[[Mapping[str, Any]], None]) -> None:
        """See EventLog."""
        self._observers.append(changed)

    async def read(self, after: int, limit: int) -> list[RecordedEvent]:
        """See EventLog."""
        return self._events[after : after + limit]

    async def hashes(self, positions: Sequence[int]) -> dict[int, bytes]:
        """See EventLog."""
        return {position: self._events[position - 1].hash for position in positions if position <= len(self._events)}

    async def read_stream(self, stream: str) -> list[RecordedEvent]:
        """See EventLog."""
        return [event for event in self._events if event.stream == stream]

    async def head(self) -> Head:
        """See EventLog."""
        if not self._events:
            return Head(0, chain.genesis_hash(self._log_id), None)
        last = self._events[-1]
        return Head(last.position, last.hash, last.recorded_at)

    async def wait_beyond(self, position: int, timeout_s: float) -> None:
        """See EventLog."""
        try:
            async with asyncio.timeout(timeout_s), self._grown:
                await self._grown.wait_for(lambda: len(self._events) > position)
        except TimeoutError:
            return

    async def close(self) -> None:
        """See EventLog."""
        await self._group.close()

    async def _flush(self, writes: Sequence[AnyWrite]) -> list[Outcome]:
        head = await self.head()
        now = self._clock()
        behind = self._watch.is_behind(head, now)
        clock, clock_fault = self._watch.look(head, now, self._accepted_clock() if behind else None)
        streams = wanted(writes)
        histories = {stream: await self.read_stream(stream) for stream in streams}
        at = set(places(writes))
        rivals = {name: one for name, one in self._states.items() if isinstance(one, PriceState) and one.place in at}
        batch = Batch(
            head=head,
            clock=clock,
            refusal=clock_fault,
            by_clock=behind,
            versions={stream: len(history) for stream, history in histories.items()},
            states=rivals | {stream: self._states.get(stream) for stream in streams},
            histories={stream: histories[stream] for stream, whole in streams.items() if whole},
            answered=self._answered,
            new_salt=lambda: secrets.token_bytes(16),
        )
        outcomes = batch.run(writes)
        async with self._grown:
            self._events.extend(batch.appended)
            self._states |= batch.changed
            self._secrets |= batch.secrets
            self._answered |= batch.kept.keys()
            for observer in self._observers:
                observer(batch.changed)
            self._grown.notify_all()
        return outcomes

    def _accepted_clock(self) -> Accepted | None:
        found = [event for event in self._events if event.type == ClockDivergenceAccepted.__name__]
        return Accepted(found[-1].position, found[-1].recorded_at) if found else None
