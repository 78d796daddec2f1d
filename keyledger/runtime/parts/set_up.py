"""`keyledger migrate`, `ddl` and the set-up of `project gateway`: what is made before the parts can run."""

from __future__ import annotations

import asyncio
from typing import Final

from sqlalchemy.engine import make_url

from gateways.tensorzero import setup
from gateways.tensorzero.checkpoint import SyncCheckpoint
from keyledger.runtime.connections import clickhouse_client, clickhouse_names, database_ssl
from keyledger.runtime.gateway import gateway_place, same_url
from keyledger.runtime.registry import open_registry
from keyledger.settings import Settings
from projections.engine import ddl
from registry.db import migrate as migrations
from registry.db.connection import make_engine
from registry.errors import Busy

_LEAD_S: Final = 3.0


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


async def set_up_gateway(settings: Settings, *, table: bool, index: bool, forget: bool) -> None:
    """Make the gateway's table of keys, or the index that its look-up lacks.

    `forget`: how far the sync was; the next one compares every key.
    Raises GatewayError, LogBroken, Busy, SettingsError.
    """
    settings.require("gateway_database_url", *(["database_url"] if forget else []))
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
    if forget:
        await _forget_sync(settings)


async def _forget_sync(settings: Settings) -> None:
    (database_url,) = settings.require("database_url")
    async with open_registry(settings, database_url) as registry:
        checkpoint, log = SyncCheckpoint(registry.engine), registry.log
        try:
            async with asyncio.timeout(_LEAD_S):
                await checkpoint.take(log)
            await checkpoint.forget(log)
        except TimeoutError:
            raise Busy("a sync runs: stop `keyledger project gateway` first") from None
        finally:
            await checkpoint.release()
