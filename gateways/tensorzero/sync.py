"""The sync: keeps the gateway's table of keys equal to the registry's current state.

Events only say which keys changed: they hold no hashes, so what is written is the current state. The steps, and what is
there when the process dies right after each:
1 lead        a standby takes over at once; nothing is written.
2 check       the checkpoint is of this log, the table is what it was: else nothing is written, or all is compared.
3 write       rows of the keys that changed, by their state as of now, which may be newer than the events: harmless, as
              the later events lead to a newer state still. Written again, nothing is touched.
4 checkpoint  those events are behind us.
Beside it all keys are compared again and again, slowly: who changed a row elsewhere finds it put back, and counted.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from itertools import islice
from typing import Final

from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential

from gateways.errors import GatewayRefused, GatewayUnavailable
from gateways.tensorzero.checkpoint import Synced, SyncLead, check
from gateways.tensorzero.key_states import KeyStateReader
from gateways.tensorzero.key_table import GatewayTable
from gateways.tensorzero.reconcile import Reconciler
from gateways.tensorzero.writer import Writer
from projections.errors import ProjectionError
from registry.errors import Busy, RegistryError
from registry.log.event_log import EventLog

logger = logging.getLogger(__name__)

WINDOW: Final = 2000
# Waited for and tried again, for ever: one of the two databases is away.
_RETRY: Final = retry_if_exception_type((Busy, GatewayUnavailable))


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
    """One sync of a log to a gateway's table. `run` ends by cancellation, or raises what stopped it (`failure`)."""

    def __init__(
        self, log: EventLog, source: KeyStateReader, table: GatewayTable, lead: SyncLead, pace: Pace | None = None
    ) -> None:
        self._log = log
        self._source = source
        self._table = table
        self._lead = lead
        self._pace = pace or Pace()
        self._writer = Writer(source, table)
        self.failure: Exception | None = None

    @property
    def leads(self) -> bool:
        """Whether this is the active sync; a standby waits."""
        return self._lead.held

    async def run(self) -> None:
        """Sync until cancelled. What the gateway's database refuses stops nothing: it is shown, and tried again.

        Raises LogChanged, when log and checkpoint don't belong together.
        """
        try:
            while True:
                try:
                    await self._patiently()
                except GatewayRefused as refusal:
                    logger.warning("the gateway's table of keys is not written: %s", refusal)
                    await asyncio.sleep(self._pace.refused_s)
        except Exception as error:
            self.failure = error
            logger.error("the gateway's sync stopped: %s", _words(error))  # noqa: TRY400 - no values of a trace in logs
            raise
        finally:
            await self._lead.release()
            await self._source.close()

    async def _patiently(self) -> None:
        async for attempt in AsyncRetrying(
            retry=_RETRY, wait=wait_random_exponential(multiplier=0.2, max=5), reraise=True
        ):
            with attempt:
                await self._lead_on()

    async def _lead_on(self) -> None:
        try:
            synced = await self._lead.take(self._log.log_id, self._log.genesis_hash)
            await check(self._log, synced)
            target = await self._table.check()
            position = synced.position if synced.target == target else await self._fill(synced, target)
            await self._lead.fail(None)
            await self._keep(position, target)
        except (Busy, GatewayUnavailable) as error:
            logger.warning("the gateway's sync waits: %s", error)
            await self._show(f"waits: {error}")
            raise
        except Exception as error:
            await self._show(_words(error))
            raise
        finally:
            await self._lead.release()

    async def _fill(self, synced: Synced, target: str) -> int:
        """Write every key: the table is one that was not seen before. Answers with the position that it then has."""
        head, after = await self._log.head(), ""
        while streams := await self._source.streams(after, self._pace.page):
            await self._writer.write(streams)
            after = streams[-1]
        await self._lead.move(synced.position, head.position, head.hash, target)
        logger.info("the gateway's table of keys was compared whole, up to position %d", head.position)
        return head.position

    async def _keep(self, position: int, target: str) -> None:
        """Follow the log and compare all keys, until one of the two fails."""
        reconcile = Reconciler(self._source, self._table, self._lead, self._writer, position)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._follow(position, target, reconcile))
                tasks.create_task(reconcile.run(self._pace.page, self._pace.page_s))
        except ExceptionGroup as stopped:
            raise _first(stopped) from None

    async def _follow(self, position: int, target: str, reconcile: Reconciler) -> None:
        while True:
            changed = await self._source.changed(position, WINDOW)
            if changed is None:
                await self._log.wait_beyond(position, self._pace.poll_s)
                continue
            streams = iter(changed.streams)
            while some := list(islice(streams, self._pace.page)):
                await self._writer.write(some)
            await self._lead.move(position, changed.position, changed.hash, target)
            position = reconcile.position = changed.position

    async def _show(self, failure: str) -> None:
        try:
            await self._lead.fail(failure)
        except Busy:
            logger.warning("what the gateway's sync waits for could not be written for `status`")


def _words(error: Exception) -> str:
    """What it says, where it is ours; of others the kind alone: their texts can quote values."""
    return str(error) if isinstance(error, (ProjectionError, RegistryError)) else type(error).__name__


def _first(group: BaseExceptionGroup[Exception]) -> Exception:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, Exception)  # noqa: S101 - for the type checker
    return error
