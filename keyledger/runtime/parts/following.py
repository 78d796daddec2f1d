"""What every part does that follows the log: it runs until a signal, with health and metrics on a port."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from ipaddress import ip_address
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from keyledger.http.app import operations_app
from keyledger.runtime.serving.health import Health
from keyledger.runtime.serving.server import bind_tcp, serving, stop_on_signal
from registry.db.pooler import probe
from registry.errors import PoolerFound

logger = logging.getLogger(__name__)

Say = Callable[[str], None]


async def follow(work: Coroutine[Any, Any, None], health: Health, host: str, port: int, say: Say) -> None:
    """Run until a signal or the end of the work, whose failure is raised, with health and metrics on a port."""
    stop = stop_on_signal()
    tcp = bind_tcp(host, port)
    on_loopback = ip_address(tcp.getsockname()[0]).is_loopback
    async with serving([(operations_app(health, full=on_loopback), tcp)]):
        running = asyncio.create_task(work)
        stopping = asyncio.create_task(stop.wait())
        say(f"ready http://{host}:{tcp.getsockname()[1]}")
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not running.done():
            running.cancel()
        await asyncio.gather(running, return_exceptions=stop.is_set())


async def warn_of_pooler(engine: AsyncEngine) -> None:
    """Without notifications the log is looked at once a second: slower, and nothing is lost. `publish` refuses."""
    try:
        await probe(engine)
    except PoolerFound as error:
        logger.warning("new events are found by looking once a second: %s", error)
