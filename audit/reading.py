"""Reads of the log's database that no port has: on one connection, all of them of one moment where that matters."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from registry.db.connection import TRANSPORT_ERRORS
from registry.errors import Busy


@asynccontextmanager
async def one_moment(engine: AsyncEngine) -> AsyncIterator[Any]:
    """A connection of the driver (asyncpg) on which every statement sees the same moment. Raises Busy."""
    try:
        async with engine.connect() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            async with driver.transaction(isolation="repeatable_read", readonly=True):
                yield driver
    except TRANSPORT_ERRORS as error:
        raise Busy from error


async def fetch(engine: AsyncEngine, statement: str, *arguments: object) -> list[Any]:
    """The rows of one statement. Raises Busy."""
    async with one_moment(engine) as driver:
        rows: list[Any] = await driver.fetch(statement, *arguments)
        return rows
