"""The sync: keeps the gateway's table of keys equal to the registry's current state.

Events only say which keys changed: they hold no hashes, so what is written is the current state. The steps, and what is
there when the process dies right after each:
1 lead        a standby takes over at once; nothing is written.
2 check       the checkpoint is of this log, the table is what it was: else nothing is written, or all is compared.
3 write       rows of the keys that changed, by their state as of now, which may be newer than the events: harmless, as
              the later events lead to a newer state still. Written again, nothing is touched.
4 checkpoint  those events are behind us.
Meanwhile all keys are compared again and again, slowly: a row that was changed elsewhere is put back, and counted.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from itertools import islice
from typing import Final

from gateways.errors import GatewayRefused, GatewayUnavailable
from gateways.tensorzero.checkpoint import SyncCheckpoint
from gateways.tensorzero.key_states import KeyStateReader
from gateways.tensorzero.key_table import GatewayTable
from gateways.tensorzero.reconcile import Reconciler
from gateways.tensorzero.writer import Writer
from registry.errors import Busy
from registry.follower import Patience, first_error, keep_following
from registry.log.event_log import EventLog
from registry.log.log_position import LogPosition, resume_at

logger = logging.getLogger(__name__)

WINDOW: Final = 2000


@dataclass(frozen=True, slots=True)
class Pace:
    """How many keys are written or compared at once, and how often the sync looks: times in seconds.

    `page_s` is how long each page of a comparison takes at least, `refused_s` how long it waits where an operator must
    mend something first.
    """

    page: int = 500
    page_s: float = 3.0
    poll_s: float = 1.0
    refused_s: float = 30.0


class GatewaySync:
    """One sync of a log to a gateway's table: a Follower."""

    def __init__(
        self,
        log: EventLog,
        states: KeyStateReader,
        table: GatewayTable,
        checkpoint: SyncCheckpoint,
        pace: Pace | None = None,
    ) -> None:
        self._log = log
        self._states = states
        self._table = table
        self._checkpoint = checkpoint
        self._pace = pace or Pace()
        self._writer = Writer(states, table)
        self.failure: Exception | None = None

    @property
    def leads(self) -> bool:
        """Whether this is the active sync; a standby waits."""
        return self._checkpoint.held

    async def run(self) -> None:
        """Sync until cancelled. What the gateway's database refuses stops nothing: it is shown, and tried again.

        Raises LogChanged, when log and checkpoint don't belong together.
        """
        patience = Patience((Busy, GatewayUnavailable), (GatewayRefused,), self._pace.refused_s)
        try:
            await keep_following(self, "the gateway's sync", patience)
        finally:
            await self._states.close()

    async def follow(self) -> None:
        """See Follower."""
        synced = await self._checkpoint.take(self._log)
        done = await resume_at(self._log, synced.at, "the gateway's table of keys")
        target = await self._table.check()
        if synced.target != target:
            done = await self._fill(done, target)
        await self._checkpoint.fail(None)
        await self._keep(done, target)

    async def report(self, failure: str, *, stopped: bool) -> None:  # noqa: ARG002 - both are shown alike
        """See Follower."""
        try:
            await self._checkpoint.fail(failure)
        except Busy:
            logger.warning("what the gateway's sync waits for could not be written for `status`")

    async def release(self) -> None:
        """See Follower."""
        await self._checkpoint.release()

    async def _fill(self, done: LogPosition, target: str) -> LogPosition:
        """Write every key: the table is one that was not seen before. Answers with the place that it then has."""
        head, after = await self._log.head(), ""
        reached = LogPosition(self._log.log_id, head.position, head.hash)
        while streams := await self._states.streams(after, self._pace.page):
            await self._writer.write(streams)
            after = streams[-1]
        await self._checkpoint.move(done, reached, target)
        logger.info("the gateway's table of keys was compared whole, up to position %d", head.position)
        return reached

    async def _keep(self, done: LogPosition, target: str) -> None:
        """Follow the log and compare all keys, until one of the two fails."""
        reconciler = Reconciler(self._states, self._table, self._checkpoint, self._writer, done.position)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._write_changes(done, target, reconciler))
                tasks.create_task(reconciler.run(self._pace.page, self._pace.page_s))
        except ExceptionGroup as stopped:
            raise first_error(stopped) from None

    async def _write_changes(self, done: LogPosition, target: str, reconciler: Reconciler) -> None:
        while True:
            changed = await self._states.changed(done, WINDOW)
            if changed is None:
                await self._log.wait_beyond(done.position, self._pace.poll_s)
                continue
            streams = iter(changed.streams)
            while some := list(islice(streams, self._pace.page)):
                await self._writer.write(some)
            await self._checkpoint.move(done, changed.at, target)
            done, reconciler.position = changed.at, changed.at.position
