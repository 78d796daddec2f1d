"""`keyledger serve`: the API, and the sender of webhooks, of which one of all processes is active."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from keyledger.http.app import public_app
from keyledger.runtime.diagnostics.connected import log_services
from keyledger.runtime.parts.following import Say, warn_of_pooler
from keyledger.runtime.registry import Registry
from keyledger.runtime.services import open_services
from keyledger.runtime.serving.forward_auth import forward_auth_listener, forward_auth_socket
from keyledger.runtime.serving.server import Apps, bind_tcp, connection_bounds, serving, stop_on_signal
from keyledger.runtime.watching.heart import beating
from keyledger.runtime.watching.sweeping import sweeping
from keyledger.runtime.workers import webhook_sender
from keyledger.settings import Settings
from registry.background import running
from registry.verify.known_keys import following
from registry.webhooks.sender import Sender


@asynccontextmanager
async def sending(registry: Registry) -> AsyncIterator[Sender]:
    """Send to webhooks, or wait as a standby, until the block ends."""
    sender = webhook_sender(registry)
    async with running(sender.run()):
        yield sender


async def serve(settings: Settings, host: str, port: int, say: Say) -> None:
    """Serve the API until a signal; without bills where no ClickHouse is set. Raises SettingsError."""
    (database_url,) = settings.require("database_url")
    stop = stop_on_signal()
    tcp = bind_tcp(host, port)
    with forward_auth_socket(settings) as for_proxies:
        async with (
            open_services(settings, database_url, settings.clickhouse_url) as services,
            sending(services.registry) as sender,
        ):
            app, registry = public_app(services, lambda: sender.failure), services.registry
            metrics = app.state.gauges.registry
            apps: Apps = [(app, tcp), *forward_auth_listener(for_proxies, registry.known_keys, metrics)]
            async with (
                beating(registry, [sender], serves=True),
                sweeping(registry.kept_answers, registry.sessions),
                registry.gate.last_use.writing(),
                following(registry.known_keys),
                serving(apps, connection_bounds(settings)),
            ):
                await warn_of_pooler(registry.engine)
                say(f"ready http://{host}:{tcp.getsockname()[1]}")
                async with running(log_services(services)):  # a server that is away is not waited for
                    await stop.wait()
