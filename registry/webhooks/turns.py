"""The turn of one webhook: what changes its deliveries is done by one at a time, in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from registry.db.connection import ANSWER_S, connected, driver_of, transaction, translated
from registry.errors import UnknownWebhook
from registry.webhooks import sql


@asynccontextmanager
async def written(engine: AsyncEngine) -> AsyncIterator[Any]:
    """A connection of the driver (asyncpg) in a transaction, which is committed at the end of the block. Raises Busy.

    It has ANSWER_S in all: nothing here waits for anybody but the database.
    """
    with translated(engine):
        async with asyncio.timeout(ANSWER_S), connected(engine) as connection:
            driver = await driver_of(connection)
            async with transaction(driver):
                yield driver


@asynccontextmanager
async def turn_of(engine: AsyncEngine, webhook_id: UUID) -> AsyncIterator[Any]:
    """The same in the turn of a webhook. Raises UnknownWebhook for one that is not there or is deleted, and Busy."""
    async with written(engine) as driver:
        if await driver.fetchrow(sql.LOCK, webhook_id) is None:
            raise UnknownWebhook
        yield driver
