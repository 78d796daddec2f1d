"""Everything a process holds open, made from settings in one place and closed in the reverse order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from keyledger.runtime.concurrency_limit import ConcurrencyLimit
from keyledger.runtime.connections import clickhouse_client, clickhouse_names, database_engine
from keyledger.runtime.gateway import GatewayKeys, GatewayPlace, gateway_place, open_gateway
from keyledger.runtime.gateway_wait import GatewayWait, NoWait, SyncWait
from keyledger.runtime.registry import Registry
from keyledger.runtime.status import ReadSide, Status, status_of
from keyledger.settings import Settings
from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from projections.ledger.dead_letters import DeadLetters
from projections.ledger.store import Store
from registry.log.postgres import Limits, PostgresEventLog, open_log
from registry.queries import Queries
from registry.service import KeyService, TokenService

BILLS_AT_ONCE = 4
BILLS_WAITING = 60


@dataclass(frozen=True, slots=True)
class WriteSide:
    """The log and what is decided on it."""

    settings: Settings
    registry: Registry
    engine: AsyncEngine
    gateway: GatewayKeys | None = None

    async def status(self) -> Status:
        """How far the log, its publishers and the gateway's table of keys are. Raises Busy."""
        return await status_of(self.registry, None)


@dataclass(frozen=True, slots=True)
class Services:
    """The write side and the read side of one process."""

    settings: Settings
    registry: Registry
    engine: AsyncEngine
    clickhouse: ClickHouse
    names: Names
    store: Store
    letters: DeadLetters
    bills: ConcurrencyLimit = field(default_factory=lambda: ConcurrencyLimit(BILLS_AT_ONCE, BILLS_WAITING))
    gateway: GatewayKeys | None = None

    async def status(self) -> Status:
        """How far everything is, and what is wrong. Raises Busy, ClickHouseError."""
        limits = self.settings.dead_letters_max, self.settings.hole_alarm_s
        return await status_of(self.registry, ReadSide(self.store, self.letters, *limits))


@asynccontextmanager
async def open_write_side(
    settings: Settings, database_url: str, place: GatewayPlace | None = None
) -> AsyncIterator[WriteSide]:
    """Open the log, and the gateway's table of keys at `place`, which is that of the settings when None.

    Raises LogBroken where the database was not migrated, Busy when it is away; a gateway that is away is no failure.
    """
    engine = database_engine(settings, database_url)
    log: PostgresEventLog | None = None
    try:
        async with open_gateway(place or gateway_place(settings), engine, database_url) as gateway:
            log = await open_log(engine, append_limits(settings), None if gateway is None else gateway.append_hook)
            queries = Queries(engine)
            registry = Registry(
                log=log,
                keys=KeyService(log, queries.public_id),
                tokens=TokenService(log),
                queries=queries,
                skew=timedelta(milliseconds=settings.clock_skew_ms),
                gateway=_wait(gateway, queries),
            )
            yield WriteSide(settings, registry, engine, gateway)
    finally:
        if log is not None:
            await log.close()
        await engine.dispose()


@asynccontextmanager
async def open_services(
    settings: Settings, database_url: str, clickhouse_url: str, place: GatewayPlace | None = None
) -> AsyncIterator[Services]:
    """Open the log, ClickHouse and the gateway's table of keys. Raises as `open_write_side` does."""
    clickhouse = clickhouse_client(settings, clickhouse_url)
    # The projector and the look at how far it is have threads of their own: no number of bills can hold them up.
    ledger = clickhouse_client(settings, clickhouse_url)
    names = clickhouse_names(settings)
    try:
        async with open_write_side(settings, database_url, place) as write_side:
            registry, engine, gateway = write_side.registry, write_side.engine, write_side.gateway
            store, letters = Store(ledger, names), DeadLetters(ledger, names)
            yield Services(settings, registry, engine, clickhouse, names, store, letters, gateway=gateway)
    finally:
        await clickhouse.close()
        await ledger.close()


def _wait(gateway: GatewayKeys | None, queries: Queries) -> GatewayWait | None:
    if gateway is None:
        return None
    return NoWait() if gateway.append_hook is not None else SyncWait(queries)


def append_limits(settings: Settings) -> Limits:
    """The bounds of an append."""
    return Limits(
        max_batch=settings.append_batch,
        max_queue=settings.append_queue,
        lock_timeout_s=settings.lock_timeout_s,
        statement_timeout_s=settings.statement_timeout_s,
        step_back_bound=timedelta(milliseconds=settings.clock_step_back_ms),
    )
