"""`keyledger serve`: the API alone."""

from __future__ import annotations

from keyledger.http.app import public_app
from keyledger.runtime.diagnostics.connected import log_services
from keyledger.runtime.parts.following import Say, warn_of_pooler
from keyledger.runtime.services import open_services
from keyledger.runtime.serving.server import bind_tcp, connection_bounds, serving, stop_on_signal
from keyledger.runtime.watching.heart import beating
from keyledger.runtime.watching.sweeping import sweeping
from keyledger.settings import Settings
from registry.background import running
from registry.verify.known_keys import following


async def serve(settings: Settings, host: str, port: int, say: Say) -> None:
    """Serve the API until a signal; without bills where no ClickHouse is set. Raises SettingsError."""
    (database_url,) = settings.require("database_url")
    stop = stop_on_signal()
    tcp = bind_tcp(host, port)
    async with (
        open_services(settings, database_url, settings.clickhouse_url) as services,
        beating(services.registry, serves=True),
        sweeping(services.registry.kept_answers),
        services.registry.gate.last_use.writing(),
        following(services.registry.known_keys),
        serving([(public_app(services), tcp)], connection_bounds(settings)),
    ):
        await warn_of_pooler(services.registry.engine)
        say(f"ready http://{host}:{tcp.getsockname()[1]}")
        async with running(log_services(services)):  # a server that is away is not waited for
            await stop.wait()
