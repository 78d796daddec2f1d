"""The pool, and below it the driver's own connections, where each round trip counts (append, LISTEN)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from ssl import SSLCertVerificationError, SSLContext
from typing import Any, Final

import asyncpg
from sqlalchemy import exc
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from registry.errors import Busy

RAW_EPOCH_US: Final = 946_684_800_000_000  # PostgreSQL counts from 2000-01-01
# What a server or the way to it says when trying again can help.
TRANSPORT_ERRORS: Final = (
    exc.DBAPIError,
    exc.TimeoutError,
    asyncpg.exceptions.LockNotAvailableError,
    asyncpg.exceptions.QueryCanceledError,
    asyncpg.exceptions.PostgresConnectionError,
    asyncpg.exceptions.OperatorInterventionError,
    asyncpg.exceptions.InsufficientResourcesError,
    asyncpg.exceptions.TransactionRollbackError,
    asyncpg.exceptions.InterfaceError,
    asyncpg.exceptions.InternalClientError,  # a session ended by the server between two statements
    OSError,
    TimeoutError,
)


class DatabaseNotSecure(Busy):
    """PostgreSQL offers no TLS, and the settings demand it: turn it on there (ssl = on); see KEYLEDGER_DATABASE_SSL."""


def make_engine(database_url: str, *, ssl: SSLContext | str | None = None) -> AsyncEngine:
    """The pool. Values of statements never reach an error text; UTC, so that no session's zone shifts an instant.

    `ssl` is a context, which demands TLS and decides what is trusted, or a mode of asyncpg's; None leaves it to that.
    Connecting raises DatabaseNotSecure, before any password is sent, where TLS is not to be had as demanded.
    """
    return create_async_engine(
        database_url,
        hide_parameters=True,
        pool_size=16,
        max_overflow=16,
        pool_timeout=10,
        pool_pre_ping=True,
        connect_args={
            "async_creator_fn": _connect,
            "server_settings": {"timezone": "UTC", "application_name": "keyledger"},
            "timeout": 10,
            "ssl": ssl,
        },
    )


async def _connect(*arguments: Any, **options: Any) -> Any:
    try:
        return await asyncpg.connect(*arguments, **options)
    except SSLCertVerificationError as error:
        raise DatabaseNotSecure(
            f"PostgreSQL's certificate is not trusted ({error.verify_message}): check the host in the URL and "
            "KEYLEDGER_DATABASE_CA_FILE"
        ) from error
    except ConnectionError as error:
        # The class itself is how the driver says that the server has no TLS; what the system says is a class below it.
        if type(error) is ConnectionError and isinstance(options.get("ssl"), SSLContext):
            raise DatabaseNotSecure from error
        raise


async def instants_as_us(driver: Any) -> None:
    """Have a connection read instants as microseconds since 1970: a datetime costs as much as the rest of an event."""
    await driver.set_type_codec(
        "timestamptz",
        schema="pg_catalog",
        format="tuple",
        encoder=lambda us: (us - RAW_EPOCH_US,),
        decoder=lambda parts: parts[0] + RAW_EPOCH_US,
    )


async def instants_as_raw_us(driver: Any) -> None:
    """Have a connection read instants as microseconds since 2000, as they are sent: RAW_EPOCH_US leads to 1970.

    A codec of our own is two calls an event, which a reader of a long log feels.
    """
    await driver.set_builtin_type_codec("timestamptz", schema="pg_catalog", codec_name="int8", format="binary")


@contextmanager
def translated() -> Iterator[None]:
    """Raise Busy for what trying again can help against. The one place where the driver's errors become ours."""
    try:
        yield
    except TRANSPORT_ERRORS as error:
        raise Busy("the registry's database can't answer now: try again") from error


@asynccontextmanager
async def snapshot(engine: AsyncEngine) -> AsyncIterator[Any]:
    """A connection of the driver (asyncpg) on which every statement sees the same moment. Raises Busy."""
    with translated():
        async with engine.connect() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            async with driver.transaction(isolation="repeatable_read", readonly=True):
                yield driver


async def fetch(engine: AsyncEngine, statement: str, *arguments: object) -> list[Any]:
    """The rows of one statement. Raises Busy."""
    async with snapshot(engine) as driver:
        rows: list[Any] = await driver.fetch(statement, *arguments)
        return rows


class DriverConnection:
    """One connection of the pool kept for one user, opened when first wanted and again after it broke."""

    def __init__(self, engine: AsyncEngine, prepare: Callable[[Any], Awaitable[None]] | None = None) -> None:
        self._engine = engine
        self._prepare = prepare
        self._held: AsyncConnection | None = None
        self._driver: Any = None
        self._opening = asyncio.Lock()
        self._asking = asyncio.Lock()  # a connection runs one statement at a time

    async def get(self) -> Any:
        """The asyncpg connection. Raises one of TRANSPORT_ERRORS."""
        if self._driver is not None and not self._driver.is_closed():
            return self._driver
        async with self._opening:
            if self._driver is None or self._driver.is_closed():
                await self.close()
                self._held = await self._engine.connect()
                driver = (await self._held.get_raw_connection()).driver_connection
                if self._prepare is not None:
                    await self._prepare(driver)
                self._driver = driver
        return self._driver

    async def fetch(self, statement: str, *arguments: object) -> list[Any]:
        """The rows of one statement, in its turn. Raises Busy."""
        with translated():
            async with self._asking:
                driver = await self.get()
                rows: list[Any] = await driver.fetch(statement, *arguments)
                return rows

    async def close(self) -> None:
        """Close it for good; the next `get` opens another."""
        held, self._held, self._driver = self._held, None, None
        if held is not None:
            with contextlib.suppress(*TRANSPORT_ERRORS):
                await held.invalidate()
            with contextlib.suppress(*TRANSPORT_ERRORS):
                await held.close()
