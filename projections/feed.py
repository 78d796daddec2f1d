"""Where a projector's events come from: the port, and its adapter on the log's own tail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from projections.errors import LogChanged
from projections.store import Applied
from registry.event_log import EventLog, RecordedEvent


class Feed(Protocol):
    """Events in an order in which each stream's own are in order; at least once each."""

    async def start(self, applied: Applied) -> bytes:
        """Begin after what is applied; answers with the hash that the next event must chain on.

        Raises LogChanged when what is applied is not of this log.
        """

    async def poll(self, timeout_s: float) -> Sequence[RecordedEvent]:
        """The next events, none when there are none within the time."""

    async def commit(self) -> None:
        """All that was polled is written: it need not come again."""


class LogTail:
    """The feed that reads the log by position: woken by it, polling as a floor, every position once and in order."""

    def __init__(self, log: EventLog, *, max_batch: int = 2000) -> None:
        self._log = log
        self._max_batch = max_batch
        self._position = 0

    async def start(self, applied: Applied) -> bytes:
        """See Feed."""
        self._position = applied.position
        if applied.position == 0:
            return self._log.genesis_hash
        found = await self._log.read(applied.position - 1, 1)
        if applied.log_id != str(self._log.log_id) or not found or found[0].hash.hex() != applied.hash:
            raise LogChanged(applied.position)
        return found[0].hash

    async def poll(self, timeout_s: float) -> Sequence[RecordedEvent]:
        """See Feed."""
        events = await self._log.read(self._position, self._max_batch)
        if not events:
            await self._log.wait_beyond(self._position, timeout_s)
            events = await self._log.read(self._position, self._max_batch)
        if events:
            self._position = events[-1].position
        return events

    async def commit(self) -> None:
        """See Feed. The applied position is derived from what was written, so there is nothing to keep here."""
