"""What a process has connected to: a line at its start for each server, by address, database and user."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from gateways.errors import GatewayError
from keyledger.runtime.causes import causes
from keyledger.runtime.registry import Registry
from keyledger.runtime.services import Services
from projections.engine.client import ClickHouse
from projections.errors import ClickHouseError
from registry.db.connection import fetch
from registry.errors import Busy

logger = logging.getLogger(__name__)

_WHO: Final = "SELECT current_setting('server_version'), current_database(), current_user"
_ASK_S: Final = 5.0


async def log_services(services: Services) -> None:
    """Of both sides. Never raises for a server that is away; that is logged, too."""
    await log_registry(services.registry)
    await _clickhouse(services.clickhouse, services.names.database)


async def log_registry(registry: Registry) -> None:
    """Of the write side alone."""
    await _postgres("the log's database", registry.engine)
    if registry.gateway is not None:
        await _postgres("the gateway's database", registry.gateway.table.engine)


async def _postgres(what: str, engine: AsyncEngine) -> None:
    url = engine.url
    # A socket's folder, and its port, are in the query.
    host, port = url.host or url.query.get("host"), url.port or url.query.get("port") or 5432
    place = f"PostgreSQL at {host}:{port}"
    try:
        async with asyncio.timeout(_ASK_S):
            ((version, database, user),) = await fetch(engine, _WHO)
    except (Busy, GatewayError, TimeoutError) as error:
        away = "%s does not answer: %s, database %s, user %s: %s"
        logger.warning(away, what, place, url.database, url.username, causes(error))
        return
    logger.info("connected to %s: %s, version %s, database %s, user %s", what, place, version, database, user)


async def _clickhouse(clickhouse: ClickHouse, database: str) -> None:
    place = f"ClickHouse {'in' if clickhouse.embedded else 'at'} {clickhouse.address}"
    try:
        async with asyncio.timeout(_ASK_S):
            ((version, user),) = await clickhouse.query("SELECT version(), currentUser()")
    except (ClickHouseError, TimeoutError) as error:
        logger.warning("ClickHouse does not answer: %s, database %s: %s", place, database, causes(error))
        return
    login = f", user {user}" if user else ""  # the embedded engine knows none
    logger.info("connected to %s, version %s, database %s%s", place, version, database, login)
