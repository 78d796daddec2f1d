"""Everything a process holds open, made from settings in one place and closed in the reverse order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from keyledger.gate import Gate
from keyledger.settings import Settings
from projections.clickhouse import ClickHouse
from projections.ddl import Names
from projections.feed import LogTail
from projections.projector import Projector
from projections.store import Store
from registry.api import Registry
from registry.driver import make_engine
from registry.handle import Keys, Tokens
from registry.postgres import Limits, PostgresEventLog, open_log
from registry.queries import Queries

BILLS_AT_ONCE = 4
BILLS_WAITING = 60


@dataclass(frozen=True, slots=True)
class Services:
    """The write side and the read side of one process."""

    settings: Settings
    registry: Registry
    clickhouse: ClickHouse
    names: Names
    store: Store
    bills: Gate = field(default_factory=lambda: Gate(BILLS_AT_ONCE, BILLS_WAITING))


@asynccontextmanager
async def open_services(settings: Settings, database_url: str, clickhouse_url: str) -> AsyncIterator[Services]:
    """Open the log and ClickHouse. Raises LogBroken where the database was not migrated, Busy when it is away."""
    engine = make_engine(database_url)
    clickhouse = ClickHouse(clickhouse_url)
    # The projector and the look at how far it is have threads of their own: no number of bills can hold them up.
    ledger = ClickHouse(clickhouse_url, threads=2)
    log: PostgresEventLog | None = None
    try:
        log = await open_log(engine, _limits(settings))
        names = Names(settings.clickhouse_database, settings.gateway_clickhouse_database)
        queries = Queries(engine)
        registry = Registry(
            log=log,
            keys=Keys(log, queries.public_id),
            tokens=Tokens(log),
            queries=queries,
            skew=timedelta(milliseconds=settings.clock_skew_ms),
        )
        yield Services(settings, registry, clickhouse, names, Store(ledger, names))
    finally:
        if log is not None:
            await log.close()
        await clickhouse.close()
        await ledger.close()
        await engine.dispose()


def make_projector(services: Services) -> Projector:
    """The projector on the log's tail."""
    log = services.registry.log
    return Projector(LogTail(log), services.store, str(log.log_id))


def _limits(settings: Settings) -> Limits:
    return Limits(
        max_batch=settings.append_batch,
        max_queue=settings.append_queue,
        lock_timeout_s=settings.lock_timeout_s,
        statement_timeout_s=settings.statement_timeout_s,
        step_back_bound=timedelta(milliseconds=settings.clock_step_back_ms),
    )
