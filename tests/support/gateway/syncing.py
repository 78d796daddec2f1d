"""A sync beside a log, and what a test waits for: positions, never time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from gateways.tensorzero.checkpoint import SyncCheckpoint
from gateways.tensorzero.key_states import KeyStateReader
from gateways.tensorzero.key_table import GatewayTable
from gateways.tensorzero.rows import GatewayRow
from gateways.tensorzero.sync import GatewaySync, Pace
from registry.keys.details import KeyDetails
from registry.keys.events import Event, key_stream
from registry.log.event_log import Caller, NewEvent, StreamView, Write, Written
from registry.log.postgres import PostgresEventLog
from registry.queries import Queries
from registry.service import KeyAnswer, KeyService, NewKey

OPERATOR = Caller("operator", reason="why")
_PLAIN = KeyDetails()
PATIENCE_S = 30
QUICK = Pace(page=3, page_s=0.02, poll_s=0.05, refused_s=0.05)


@dataclass
class World:
    """A log with its keys, and the gateway's table that a sync keeps."""

    log: PostgresEventLog
    engine: AsyncEngine
    table: GatewayTable

    @property
    def keys(self) -> KeyService:
        """The commands on keys."""
        return KeyService(self.log, Queries(self.engine).public_id)

    async def create(self, details: KeyDetails = _PLAIN, expiration: datetime | None = None) -> KeyAnswer:
        """A new key, whose text is in the answer."""
        return await self.keys.create(NewKey(details=details, expiration=expiration), OPERATOR)

    async def append(self, public_id: str, event: Event, secrets: dict[str, str] | None = None) -> Written:
        """Append one event of a key, whatever the commands would say to it."""

        def decide(_view: StreamView) -> list[NewEvent]:
            return [NewEvent(event)]

        return await self.log.write(Write(key_stream(public_id), decide, OPERATOR, secrets=secrets or {}))

    def sync(self, pace: Pace = QUICK) -> GatewaySync:
        """A sync that does not run yet."""
        return GatewaySync(self.log, KeyStateReader(self.engine), self.table, SyncCheckpoint(self.engine), pace)

    async def checkpoint(self) -> Any:
        """The row of the sync; None before the first one ran."""
        async with self.engine.connect() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            return await driver.fetchrow("SELECT * FROM keyledger.gateway_sync")

    async def until(self, **wanted: Any) -> Any:
        """The row of the sync as soon as it says all that is wanted; a position counts when it is reached."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                row = await self.checkpoint()
                if row is not None and all(_says(row[name], value) for name, value in wanted.items()):
                    return row
                await asyncio.sleep(0.01)

    async def synced(self) -> None:
        """Return when the table has everything up to the head."""
        await self.until(position=(await self.log.head()).position)


def _says(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, str):
        return wanted in (value or "")
    if isinstance(wanted, bool) or not isinstance(wanted, int):
        return bool(value == wanted)
    return bool(value >= wanted)


@asynccontextmanager
async def running(sync: GatewaySync) -> AsyncIterator[GatewaySync]:
    """The sync, until the block ends."""
    task = asyncio.create_task(sync.run())
    try:
        yield sync
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def held(world: World, public_id: str) -> GatewayRow:
    """The gateway's row, when it has everything."""
    await world.synced()
    return (await world.table.read([public_id]))[public_id]
