"""Looks whether all rows that were written are there, and writes those of the ledger again from the log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from projections.errors import ClickHouseRefused
from projections.ledger.presence import Missing, Presence
from projections.ledger.rows import applied_row, project
from projections.ledger.store import Store
from registry.log.chain_walk import LogReader
from registry.log.event_log import EventLog
from registry.log.log_position import start_of

logger = logging.getLogger(__name__)

_BATCH: Final = 5000
_EVERY_S: Final = 10.0
_COUNT_EVERY_S: Final = 3600.0


class LedgerGuard:
    """The guard of one ledger: `look` at a start, before any bill is made; then `run` with the projector.

    Two at once do double work but no harm. Methods raise ClickHouseError, LogBroken and Busy.
    """

    def __init__(self, log: EventLog, store: Store, presence: Presence) -> None:
        self._log = log
        self._store = store
        self._presence = presence
        self._recorded: Missing | None = None
        self._of_ledger: list[str] | None = None  # what the last look found, until it is acted on

    async def look(self) -> list[str]:
        """Record what is missing, so that no bill is made. Returns what the ledger lacks. Counts all of its rows."""
        of_ledger = await self._presence.of_ledger()
        await self._record(of_ledger)
        self._of_ledger = of_ledger
        return of_ledger

    async def run(self, answered: Callable[[], None] = lambda: None) -> None:
        """Look from time to time, and rewrite the ledger where it lacks rows, until cancelled.

        `answered` is called after each look.
        """
        loop = asyncio.get_running_loop()
        while True:
            of_ledger = await self.look() if self._of_ledger is None else self._of_ledger
            if of_ledger or await self._presence.broken_of_ledger():
                await self._restore()
            self._of_ledger = None
            answered()
            counted = loop.time()
            while loop.time() - counted < _COUNT_EVERY_S:
                await asyncio.sleep(_EVERY_S)
                if await self._presence.broken_of_ledger():
                    break
                await self._record([])
                answered()

    async def _record(self, of_ledger: list[str]) -> None:
        for part in await self._presence.replaced_parts():
            await self._presence.drop(part)
        of_gateway = await self._presence.of_gateway()
        missing = Missing((*of_ledger, *of_gateway.rows), of_gateway.collected)
        if missing == self._recorded:
            return
        for one in missing.rows:
            logger.error("no bill is made, as rows are missing: %s", one)
        for one in missing.collected:
            logger.warning("rows of the gateway's are missing that the usage journal has: %s", one)
        if self._recorded not in (None, Missing()) and not missing.rows:
            logger.warning("no rows that bills need are missing any more")
        if missing != Missing() or await self._presence.known() != Missing():
            await self._presence.record(missing)
        self._recorded = missing

    async def _restore(self) -> None:
        await self._rewrite()
        for part in await self._presence.broken_of_ledger():
            await self._presence.drop(part)
        if missing := await self.look():
            raise ClickHouseRefused(f"The ledger was written again from the log, and still {'; '.join(missing)}.")
        await self._store.reload_dictionary()
        logger.warning("the ledger is complete again")

    async def _rewrite(self) -> None:
        """Write the rows of every event again. Those that are there count once."""
        head = (await self._log.head()).position
        logger.warning("the ledger is written again from the log, up to position %d", head)
        reader, log_id = LogReader(self._log, start_of(self._log)), str(self._log.log_id)
        while reader.at.position < head:
            linked = await reader.next(_BATCH)
            rows = project(one.event for one in linked)
            await self._store.write(rows, [applied_row(log_id, one) for one in linked])
