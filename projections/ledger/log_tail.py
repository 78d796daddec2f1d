"""The feed that reads the log itself."""

from __future__ import annotations

from collections.abc import Sequence

from projections.ledger.feed import check_applied
from projections.ledger.store import Applied
from registry.errors import ChainBroken
from registry.log.event_log import EventLog
from registry.publish.cloudevent import Linked


class LogTail:
    """The feed that reads the log by position: woken by it, polling as a floor, every position once and in order.

    `poll` also raises ChainBroken, at an event that is not what was recorded.
    """

    def __init__(self, log: EventLog, *, max_batch: int = 5000) -> None:
        self._log = log
        self._max_batch = max_batch
        self._position = 0
        self._hash = b""

    async def start(self, applied: Applied) -> None:
        """See Feed."""
        await check_applied(self._log, applied)
        self._position = applied.position
        self._hash = bytes.fromhex(applied.hash) if applied.position else self._log.genesis_hash

    async def poll(self, timeout_s: float) -> Sequence[Linked]:
        """See Feed."""
        events = await self._log.read(self._position, self._max_batch)
        if not events:
            await self._log.wait_beyond(self._position, timeout_s)
            events = await self._log.read(self._position, self._max_batch)
        linked = []
        for event in events:
            one = Linked(self._hash, event)
            if not one.fits or event.position != self._position + 1:
                raise ChainBroken(
                    f"the hash of the event at position {event.position} does not fit: the log was changed"
                )
            linked.append(one)
            self._position, self._hash = event.position, event.hash
        return linked

    async def commit(self) -> None:
        """See Feed. The applied position is derived from what was written, so there is nothing to keep here."""

    async def close(self) -> None:
        """See Feed. The log is the caller's."""
