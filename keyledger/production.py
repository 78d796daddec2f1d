"""The parts alone, on the databases that the settings name: `serve`, `project`, `migrate`, `ddl`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from keyledger.serve import bind_tcp, serving, stop_on_signal
from keyledger.services import make_projector, open_services
from keyledger.settings import Settings
from keyledger.web import public_app
from projections import ddl
from projections.clickhouse import ClickHouse
from projections.ddl import Names
from registry import migrate as migrations


async def serve(settings: Settings, host: str, port: int, say: Callable[[str], None]) -> None:
    """Serve the API until a signal. Raises SettingsError without both URLs."""
    database_url, clickhouse_url = settings.require("database_url", "clickhouse_url")
    stop = stop_on_signal()
    tcp = bind_tcp(host, port)
    async with (
        open_services(settings, database_url, clickhouse_url) as services,
        serving([(public_app(services, None), tcp)]),
    ):
        say(f"ready http://{host}:{tcp.getsockname()[1]}")
        await stop.wait()


async def project(settings: Settings, say: Callable[[str], None]) -> None:
    """Project the log into ClickHouse until a signal, or raise what stopped it."""
    database_url, clickhouse_url = settings.require("database_url", "clickhouse_url")
    stop = stop_on_signal()
    async with open_services(settings, database_url, clickhouse_url) as services:
        running = asyncio.create_task(make_projector(services).run())
        stopping = asyncio.create_task(stop.wait())
        say("ready")
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not running.done():
            running.cancel()
        await asyncio.gather(running, return_exceptions=stop.is_set())


async def migrate(settings: Settings) -> None:
    """Migrate the log's database as its owner, and give the application's role its grants."""
    (database_url,) = settings.require("database_url")
    await migrations.migrate(settings.migration_database_url or database_url, database_url)


async def apply_ddl(settings: Settings, *, gateway_tables: bool) -> None:
    """Apply `clickhouse/` to the database of the settings."""
    (clickhouse_url,) = settings.require("clickhouse_url")
    clickhouse = ClickHouse(clickhouse_url)
    try:
        await ddl.apply(clickhouse, _names(settings), gateway_tables=gateway_tables)
    finally:
        await clickhouse.close()


def ddl_text(settings: Settings, *, gateway_tables: bool) -> str:
    """The statements of `apply_ddl`, for people who run them by other means."""
    return ";\n\n".join(ddl.statements(_names(settings), gateway_tables=gateway_tables)) + ";"


def _names(settings: Settings) -> Names:
    return Names(settings.clickhouse_database, settings.gateway_clickhouse_database)
