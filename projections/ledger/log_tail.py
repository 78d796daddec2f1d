"""The feed that reads the log directly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from registry.log.chain_walk import Linked, LogReader
from registry.log.event_log import EventLog
from registry.log.log_position import LogPosition, resume_at, start_of

# The name, in errors, of what stores the position that a feed starts at.
LEDGER: Final = "ClickHouse"


class LogTail:
    """Reads the log by position, every position once and in order; the log wakes it, and it also polls.

    `poll` also raises ChainBroken, at an event that is missing or was changed.
    """

    def __init__(self, log: EventLog, *, max_batch: int = 5000) -> None:
        self._log = log
        self._max_batch = max_batch
        self._reader = LogReader(log, start_of(log))

    async def start(self, applied: LogPosition) -> None:
        """See Feed."""
        self._reader = LogReader(self._log, await resume_at(self._log, applied, LEDGER))

    async def poll(self, timeout_s: float) -> Sequence[Linked]:
        """See Feed."""
        return await self._reader.next(self._max_batch, wait_s=timeout_s)

    async def commit(self) -> None:
        """See Feed. The applied position is derived from what was written, so there is nothing to store here."""

    async def close(self) -> None:
        """See Feed. Does not close the log, which belongs to the caller."""
