"""What a process has connected to: a line at its start for each server, by address, database and user."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from keyledger.runtime.diagnostics.causes import causes
from keyledger.runtime.registry import Registry
from keyledger.runtime.services import Services
from projections.engine.client import ClickHouse
from projections.errors import ClickHouseError
from registry.db.causes import place_of
from registry.db.connection import fetch
from registry.errors import Busy

logger = logging.getLogger(__name__)

_VERSION: Final = "SELECT current_setting('server_version')"
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
    try:
        async with asyncio.timeout(_ASK_S):
            (version,) = (await fetch(engine, _VERSION))[0]
    except Busy as error:
        logger.warning("%s does not answer: %s", what, causes(error))
    except TimeoutError:
        logger.warning("%s does not answer within %.0f s: %s", what, _ASK_S, place_of(engine.url))
    else:
        logger.info("connected to %s: %s, version %s", what, place_of(engine.url), version)


async def _clickhouse(clickhouse: ClickHouse, database: str) -> None:
    if not clickhouse.is_set:
        logger.info("no ClickHouse is set: keys are made and revoked, and no bill is made")
        return
    place = f"ClickHouse {'in' if clickhouse.embedded else 'at'} {clickhouse.address}"
    try:
        async with asyncio.timeout(_ASK_S):
            ((version, user),) = await clickhouse.query("SELECT version(), currentUser()")
    except (ClickHouseError, TimeoutError) as error:
        logger.warning("ClickHouse does not answer: %s, database %s: %s", place, database, causes(error))
        return
    login = f", user {user}" if user else ""  # the embedded engine knows none
    logger.info("connected to %s, version %s, database %s%s", place, version, database, login)
