"""Keeps the embedded engine going when it can't read a part of a table: see `projections.engine.damage`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from keyledger.runtime.services import Services
from projections.errors import ClickHouseError
from registry.background import running

logger = logging.getLogger(__name__)

_LOOK_S: Final = 0.5
_AGAIN_S: Final = 30.0


@asynccontextmanager
async def mending(services: Services) -> AsyncIterator[None]:
    """Load tables again whose parts can't be read, until the block ends."""
    async with running(_mend(services)):
        yield


async def _mend(services: Services) -> None:
    clickhouse, names = services.clickhouse, services.names
    while True:
        try:
            if mended := await clickhouse.damage.mend(clickhouse, (names.database, names.gateway)):
                logger.warning("loaded again: %s; what is missing now, the alarms say", ", ".join(mended))
                await asyncio.sleep(_AGAIN_S)  # a disk that is still full damages the next one
        except ClickHouseError as error:
            logger.warning("tables with parts that can't be read are not loaded again: %s", error)
            await asyncio.sleep(_AGAIN_S)
        await asyncio.sleep(_LOOK_S)
