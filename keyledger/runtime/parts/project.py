"""`keyledger project clickhouse`, `project usage` and `project gateway`: a projector alone."""

from __future__ import annotations

from functools import partial

from keyledger.runtime.diagnostics.connected import log_registry, log_services
from keyledger.runtime.garbage import collect_garbage_rarely
from keyledger.runtime.parts.following import Say, follow, warn_of_pooler
from keyledger.runtime.registry import open_registry
from keyledger.runtime.services import open_services
from keyledger.runtime.serving.health import Health, RecentStatus
from keyledger.runtime.status import status_of
from keyledger.runtime.watching.heart import beating
from keyledger.runtime.workers import (
    gateway_sync,
    kafka_projector,
    ledger_guard,
    log_projector,
    usage_collector,
    watching_counts,
)
from keyledger.settings import Settings
from registry.db.pooler import probe


async def project_clickhouse(settings: Settings, feed: str, host: str, port: int, say: Say) -> None:
    """Project the log into ClickHouse, from its tail (`log`) or the topic (`kafka`), until a signal.

    Raises what stopped it, SettingsError.
    """
    database_url, clickhouse_url = settings.require("database_url", "clickhouse_url")
    if feed == "kafka":
        settings.require("kafka_bootstrap_servers")
    collect_garbage_rarely()
    async with open_services(settings, database_url, clickhouse_url) as services:
        await warn_of_pooler(services.registry.engine)
        await log_services(services)
        guard = ledger_guard(services)
        projector = kafka_projector(services, guard) if feed == "kafka" else log_projector(services, guard)
        health = Health(RecentStatus(services.quick_status), lambda: projector.failure, part="projector")
        async with beating(services.registry, [projector]), watching_counts(services):
            await follow(projector.run(), health, host, port, say)


async def project_usage(settings: Settings, host: str, port: int, say: Say) -> None:
    """Keep the usage journal until a signal, or wait as a standby. Raises what stopped it, SettingsError."""
    database_url, clickhouse_url = settings.require("database_url", "clickhouse_url")
    collect_garbage_rarely()
    async with open_services(settings, database_url, clickhouse_url) as services:
        await probe(services.registry.engine)
        await log_services(services)
        collector = usage_collector(services)
        health = Health(RecentStatus(services.quick_status), lambda: collector.failure, part="collector")
        async with beating(services.registry, [collector]):
            await follow(collector.run(), health, host, port, say)


async def project_gateway(settings: Settings, host: str, port: int, say: Say) -> None:
    """Keep the gateway's table of keys until a signal, or wait as a standby. Raises what stopped it, SettingsError."""
    database_url, _ = settings.require("database_url", "gateway_database_url")
    async with open_registry(settings, database_url) as registry:
        await probe(registry.engine)
        await log_registry(registry)
        sync = gateway_sync(registry)
        assert sync is not None  # noqa: S101 - for the type checker: its setting is there
        health = Health(RecentStatus(partial(status_of, registry)), lambda: sync.failure, part="sync")
        async with beating(registry, [sync]):
            await follow(sync.run(), health, host, port, say)
