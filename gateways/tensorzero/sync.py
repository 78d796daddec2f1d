"""The sync: keeps the gateway's key table equal to the registry's current state.

Events only say which keys changed; they hold no hashes, so the sync writes the current state. The steps, and the state
if the process dies right after each:
1 lead        a standby takes over at once; nothing is written.
2 check       the checkpoint is of this log, and the table is the same one. Otherwise nothing is written, or all is
              compared.
3 write       rows of the changed keys, in their current state, which may be newer than the events. That is harmless:
              the later events lead to a newer state still. Writing them again changes nothing.
4 checkpoint  those events are done.
Meanwhile all keys are compared again and again, slowly: a row changed elsewhere is restored and counted.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from itertools import islice
from typing import Final

from gateways.errors import GatewayUnavailable
from gateways.tensorzero.checkpoint import SyncCheckpoint
from gateways.tensorzero.key_states import KeyStateReader
from gateways.tensorzero.key_table import GatewayTable
from gateways.tensorzero.reconcile import Reconciler
from gateways.tensorzero.writer import Writer
from registry.errors import Busy
from registry.follower import FOLLOWING, Patience, Pulse, first_error, keep_following
from registry.log.event_log import EventLog
from registry.log.log_position import LogPosition, resume_at
from registry.outage import Outage
from registry.parts.part import Part

logger = logging.getLogger(__name__)

WINDOW: Final = 2000


@dataclass(frozen=True, slots=True)
class Pace:
    """How many keys are written or compared at once, and how often the sync polls. Times are in seconds.

    `page_s` is the minimum time for each page of a comparison, `refused_s` how long the sync waits if an operator must
    fix something first.
    """

    page: int = 500
    page_s: float = 3.0
    poll_s: float = 1.0
    refused_s: float = 30.0


class GatewaySync:
    """One sync of a log to a gateway's table: a Follower."""

    part: Part = "sync"

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
        self.pulse = Pulse()
        self.outage = Outage("the gateway's sync", logger)

    @property
    def leads(self) -> bool:
        """Whether this is the active sync; a standby waits."""
        return self._checkpoint.held

    async def run(self) -> None:
        """Sync until cancelled. A refusal by the gateway's database does not stop it: it is reported and retried.

        Raises LogChanged if log and checkpoint don't match.
        """
        patience = Patience((Busy, GatewayUnavailable), again_s=self._pace.refused_s)
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
        self.outage.answered(FOLLOWING)
        await self._keep(done, target)

    async def report(self, failure: str, *, stopped: bool) -> None:  # noqa: ARG002 - both are shown the same way
        """See Follower."""
        try:
            await self._checkpoint.fail(failure)
        except Busy:
            logger.warning("what the gateway's sync waits for could not be saved for `status`")

    async def release(self) -> None:
        """See Follower."""
        await self._checkpoint.release()

    async def _fill(self, done: LogPosition, target: str) -> LogPosition:
        """Write every key, because this table was not seen before. Returns the position that it then has."""
        head, after = await self._log.head(), ""
        reached = LogPosition(self._log.log_id, head.position, head.hash)
        while streams := await self._states.streams(after, self._pace.page):
            await self._writer.write(streams)
            after = streams[-1]
        await self._checkpoint.move(done, reached, target)
        logger.info("the gateway's table of keys was compared completely, up to position %d", head.position)
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
                self.pulse.beat()
                await self._log.wait_beyond(done.position, self._pace.poll_s)
                continue
            streams = iter(changed.streams)
            while some := list(islice(streams, self._pace.page)):
                await self._writer.write(some)
            await self._checkpoint.move(done, changed.at, target)
            self.pulse.beat()
            done, reconciler.position = changed.at, changed.at.position
