"""The embedded default as one thing: PostgreSQL, the ClickHouse engine and the projector on one data folder."""

from __future__ import annotations

import asyncio
import logging
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final

from keyledger.embedded.definitions import keep_definitions, mend_definitions
from keyledger.embedded.disk import DiskWatch
from keyledger.embedded.folder import DataFolder
from keyledger.embedded.load import Engine, settle
from keyledger.embedded.postgresql.supervisor import EmbeddedPostgres
from keyledger.runtime.gateway import embedded_gateway, gateway_place
from keyledger.runtime.services import Services, open_services
from keyledger.runtime.workers import (
    gateway_sync,
    kafka_projector,
    ledger_guard,
    log_projector,
    relay,
    usage_collector,
    webhook_sender,
)
from keyledger.settings import Settings
from projections.engine import ddl
from projections.errors import ProjectionError
from projections.usage.journal.collector import Collector
from registry.db.migrate import migrate
from registry.follower import Follower
from registry.parts.heartbeats import Heartbeats

logger = logging.getLogger(__name__)

_FEW_ROWS: Final = 200_000  # a second or two


@dataclass(frozen=True, slots=True)
class Stack:
    """What runs on the folder."""

    services: Services
    followers: list[Follower]
    postgres: EmbeddedPostgres

    def failure(self) -> Exception | None:
        """What stopped a projector or the relay, if anything did."""
        return next((one.failure for one in self.followers if one.failure is not None), None)

    async def watch(self) -> None:
        """Return when PostgreSQL has died of itself."""
        while self.postgres.running:  # noqa: ASYNC110 - a child process has no event of the loop
            await asyncio.sleep(1)


async def _collected(services: Services, collector: Collector) -> None:
    """Wait until the usage journal has all rows, where they are few. Of more a bill says how many it lacks."""
    assert services.journal is not None  # noqa: S101 - for the type checker: opened services have one
    if (rows := await services.journal.uncollected()) > _FEW_ROWS:
        logger.info("%d rows of the gateway's are not in the usage journal yet: they are collected meanwhile", rows)
        return
    try:
        await collector.catch_up()
    except ProjectionError as error:
        logger.warning("usage is not collected: %s", error)


def _scratch_in(folder: DataFolder) -> None:
    """Keep the engine's temporary files, which hold rows, in the folder: a kill -9 leaves none elsewhere."""
    shutil.rmtree(folder.scratch, ignore_errors=True)
    folder.scratch.mkdir(mode=0o700)
    tempfile.tempdir = str(folder.scratch)


@asynccontextmanager
async def open_stack(
    folder: DataFolder,
    settings: Settings,
    feed: str = "log",
    *,
    gateway: bool = False,
    postgres_port: int | None = None,
) -> AsyncIterator[Stack]:
    """Start everything on an acquired folder, bring it to this version's shape, project in the background.

    With the feed `kafka` it publishes too, and projects from the topic. With `gateway` a gateway's table of keys is
    made in the embedded PostgreSQL; once it is there it is kept, also without. `postgres_port`: `EmbeddedPostgres`'
    `tcp_port`. Stops all of it on the way out, whatever happened inside. Raises EmbeddedError.
    """
    disk = DiskWatch(folder.path, settings.disk_free_min_mib)
    disk.check()
    outside = gateway_place(settings)
    postgres = EmbeddedPostgres(folder.postgres, postgres_port)
    # Its server is on this machine and knows no TLS, and its engine is on no cluster: what the environment asks of
    # other ones is not for them.
    settings = settings.model_copy(
        update={"database_ssl": "disable", "clickhouse_cluster": None, "gateway_database_url": None}
    )
    try:
        await asyncio.to_thread(postgres.start)
        settings = settings.model_copy(update={"migration_database_url": postgres.owner_url})
        _scratch_in(folder)
        await migrate(postgres.owner_url, postgres.app_url)
        place = outside or await embedded_gateway(postgres.owner_url, postgres.app_url, make=gateway)
        databases = settings.clickhouse_database, settings.gateway_clickhouse_database
        mend_definitions(folder.path, folder.clickhouse, *databases)
        clickhouse_url = f"chdb://{folder.clickhouse}"
        async with open_services(settings, postgres.app_url, clickhouse_url, place, disk.refusal) as services:
            await ddl.apply(services.clickhouse, services.names, gateway_tables=True)
            keep_definitions(folder.path, folder.clickhouse, services.names.database)
            # Who holds the folder is alone on it: what a killed `up` left behind is not missed.
            await Heartbeats(services.registry.engine).forget()
            assert services.books is not None  # noqa: S101 - for the type checker: this is the embedded engine
            await settle(Engine(services.clickhouse, services.names, services.books))
            guard = ledger_guard(services)
            await guard.look()
            followers: list[Follower] = (
                [kafka_projector(services, guard), relay(services.registry)]
                if feed == "kafka"
                else [log_projector(services, guard)]
            )
            if (sync := gateway_sync(services.registry)) is not None:
                followers.append(sync)
            collector = usage_collector(services)
            followers += [collector, webhook_sender(services.registry)]
            tasks = [asyncio.create_task(follower.run()) for follower in followers]
            try:
                await _collected(services, collector)
                yield Stack(replace(services, books=collector), followers, postgres)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        tempfile.tempdir = None
        await asyncio.to_thread(postgres.stop)
