"""`keyledger publish`: the relay alone, or a range of positions once more."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from keyledger.runtime import republish
from keyledger.runtime.diagnostics.connected import log_registry
from keyledger.runtime.parts.following import Say, follow
from keyledger.runtime.registry import open_registry
from keyledger.runtime.serving.health import Health, RecentStatus
from keyledger.runtime.status import status_of
from keyledger.runtime.watching.heart import beating
from keyledger.runtime.workers import relay
from keyledger.settings import Settings
from registry.db.pooler import probe


async def publish(settings: Settings, host: str, port: int, say: Say) -> None:
    """Publish the log to the topic until a signal, or wait as a standby. Raises what stopped it, SettingsError."""
    database_url, _ = settings.require("database_url", "kafka_bootstrap_servers")
    async with open_registry(settings, database_url) as registry:
        await probe(registry.engine)
        await log_registry(registry)
        running = relay(registry)
        health = Health(
            RecentStatus(partial(status_of, registry)), lambda: running.failure, lambda: running.leads, "relay"
        )
        async with beating(registry, [running]):
            await follow(running.run(), health, host, port, say)


async def publish_again(settings: Settings, since: int, until: int | None, progress: Callable[[int, int], None]) -> int:
    """Publish a range of positions once more; see `republish.publish_again`."""
    (database_url,) = settings.require("database_url")
    async with open_registry(settings, database_url) as registry:
        return await republish.publish_again(registry, since, until, progress)
