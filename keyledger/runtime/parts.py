"""The parts alone, on the databases that the settings name: `serve`, `project`, `publish`, `migrate`, `ddl`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from gateways.tensorzero import setup
from gateways.tensorzero.checkpoint import SyncLead
from keyledger.http.app import operations_app, public_app
from keyledger.http.health import Health
from keyledger.runtime import republish
from keyledger.runtime.connections import clickhouse_client, clickhouse_names, database_ssl
from keyledger.runtime.garbage import collect_garbage_rarely
from keyledger.runtime.gateway import gateway_place, same_url
from keyledger.runtime.server import bind_tcp, serving, stop_on_signal
from keyledger.runtime.services import open_services, open_write_side
from keyledger.runtime.workers import (
    gateway_sync,
    kafka_projector,
    log_projector,
    relay,
)
from keyledger.settings import Settings
from projections.engine import ddl
from registry.db import migrate as migrations
from registry.db.connection import make_engine
from registry.db.pooler import probe
from registry.errors import Busy, PoolerFound

logger = logging.getLogger(__name__)

Say = Callable[[str], None]
_LEAD_S = 3.0


async def serve(settings: Settings, host: str, port: int, say: Say) -> None:
    """Serve the API until a signal. Raises SettingsError without both URLs."""
    database_url, clickhouse_url = settings.require("database_url", "clickhouse_url")
    stop = stop_on_signal()
    tcp = bind_tcp(host, port)
    async with (
        open_services(settings, database_url, clickhouse_url) as services,
        serving([(public_app(services), tcp)]),
    ):
        await _warn_of_pooler(services.engine)
        say(f"ready http://{host}:{tcp.getsockname()[1]}")
        await stop.wait()


async def project(settings: Settings, feed: str, host: str, port: int, say: Say) -> None:
    """Project the log into ClickHouse, from its tail (`log`) or the topic (`kafka`), until a signal.

    Raises what stopped it, SettingsError.
    """
    database_url, clickhouse_url = settings.require("database_url", "clickhouse_url")
    if feed == "kafka":
        settings.require("kafka_bootstrap_servers")
    collect_garbage_rarely()
    async with open_services(settings, database_url, clickhouse_url) as services:
        await _warn_of_pooler(services.engine)
        projector = kafka_projector(services) if feed == "kafka" else log_projector(services)
        await _follow(projector.run(), Health(services.status, lambda: projector.failure), host, port, say)


async def project_gateway(settings: Settings, host: str, port: int, say: Say) -> None:
    """Keep the gateway's table of keys until a signal, or wait as a standby. Raises what stopped it, SettingsError."""
    database_url, _ = settings.require("database_url", "gateway_database_url")
    async with open_write_side(settings, database_url) as write_side:
        await probe(write_side.engine)
        sync = gateway_sync(write_side)
        assert sync is not None  # noqa: S101 - for the type checker: its setting is there
        await _follow(sync.run(), Health(write_side.status, lambda: sync.failure), host, port, say)


async def set_up_gateway(settings: Settings, *, table: bool, index: bool, anew: bool) -> None:
    """Make the gateway's table of keys, or the index that its look-up lacks; have the next sync compare every key.

    Raises GatewayError, LogBroken, Busy, SettingsError.
    """
    settings.require("gateway_database_url", *(["database_url"] if anew else []))
    place = gateway_place(settings)
    assert place is not None  # noqa: S101 - for the type checker: its setting is there
    engine = make_engine(place.url, ssl=place.ssl)
    try:
        if table:
            log_url = settings.database_url
            shared = log_url is not None and same_url(place.url, log_url)
            reader = make_url(log_url).username if shared and log_url is not None else None
            await setup.create_table(engine, place.schema, reader=reader)
        if index:
            await setup.create_index(engine, place.schema)
    finally:
        await engine.dispose()
    if anew:
        await _begin_sync_anew(settings)


async def _begin_sync_anew(settings: Settings) -> None:
    (database_url,) = settings.require("database_url")
    async with open_write_side(settings, database_url) as write_side:
        lead, log = SyncLead(write_side.engine), write_side.registry.log
        try:
            async with asyncio.timeout(_LEAD_S):
                await lead.take(log.log_id, log.genesis_hash)
            await lead.forget(log.log_id, log.genesis_hash)
        except TimeoutError:
            raise Busy("a sync runs: stop `keyledger project gateway` first") from None
        finally:
            await lead.release()


async def publish(settings: Settings, host: str, port: int, say: Say) -> None:
    """Publish the log to the topic until a signal, or wait as a standby. Raises what stopped it, SettingsError."""
    database_url, _ = settings.require("database_url", "kafka_bootstrap_servers")
    async with open_write_side(settings, database_url) as write_side:
        await probe(write_side.engine)
        running = relay(write_side)
        health = Health(write_side.status, lambda: running.failure, lambda: running.leads)
        await _follow(running.run(), health, host, port, say)


async def publish_again(settings: Settings, since: int, until: int | None, progress: Callable[[int, int], None]) -> int:
    """Publish a range of positions once more; see `republish.publish_again`."""
    (database_url,) = settings.require("database_url")
    async with open_write_side(settings, database_url) as write_side:
        return await republish.publish_again(settings, write_side.registry, since, until, progress)


async def _warn_of_pooler(engine: AsyncEngine) -> None:
    """Without notifications the log is looked at once a second: slower, and nothing is lost. `publish` refuses."""
    try:
        await probe(engine)
    except PoolerFound as error:
        logger.warning("new events are found by looking once a second: %s", error)


async def _follow(work: Coroutine[Any, Any, None], health: Health, host: str, port: int, say: Say) -> None:
    """Run until a signal or the end of the work, whose failure is raised, with health and metrics on a port."""
    stop = stop_on_signal()
    tcp = bind_tcp(host, port)
    async with serving([(operations_app(health), tcp)]):
        running = asyncio.create_task(work)
        stopping = asyncio.create_task(stop.wait())
        say(f"ready http://{host}:{tcp.getsockname()[1]}")
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not running.done():
            running.cancel()
        await asyncio.gather(running, return_exceptions=stop.is_set())


async def migrate(settings: Settings) -> None:
    """Migrate the log's database as its owner, and give the application's role its grants."""
    (database_url,) = settings.require("database_url")
    owner_url = settings.migration_database_url or database_url
    await migrations.migrate(owner_url, database_url, ssl=database_ssl(settings))


async def apply_ddl(settings: Settings, *, gateway_tables: bool) -> None:
    """Apply `clickhouse/` to the database of the settings."""
    (clickhouse_url,) = settings.require("clickhouse_url")
    clickhouse = clickhouse_client(settings, clickhouse_url)
    try:
        await ddl.apply(clickhouse, clickhouse_names(settings), gateway_tables=gateway_tables)
    finally:
        await clickhouse.close()


def ddl_text(settings: Settings, *, gateway_tables: bool) -> str:
    """The statements of `apply_ddl`, for people who run them by other means."""
    return ";\n\n".join(ddl.statements(clickhouse_names(settings), gateway_tables=gateway_tables)) + ";"
