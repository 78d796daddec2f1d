"""The pool, and below it the driver's own connections, for code where each round trip counts (append, LISTEN)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from ssl import SSLCertVerificationError, SSLContext
from typing import Any, Final

import asyncpg
from sqlalchemy import exc
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from registry.db.causes import away, place_of
from registry.errors import DatabaseAway

# A server that is there and says nothing is not waited for: a read of one statement gives up after so long.
ANSWER_S: Final = 10.0
RAW_EPOCH_US: Final = 946_684_800_000_000  # PostgreSQL counts from 2000-01-01
# The errors of a server or of the connection to it for which a retry can help.
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
    asyncpg.exceptions.InternalClientError,  # the server ended a session between two statements
    OSError,
    TimeoutError,
)


class DatabaseNotSecure(DatabaseAway):
    """PostgreSQL offers no TLS, and the settings demand it: turn it on there (ssl = on); see KEYLEDGER_DATABASE_SSL."""


def make_engine(database_url: str, *, ssl: SSLContext | str | None = None) -> AsyncEngine:
    """The connection pool. Error texts never quote statement values; sessions use UTC, so no time zone shifts a time.

    Each statement is a transaction of its own, so that one read is one round trip, and one more for the pool's question
    whether the connection is alive; see `begun`.
    `ssl` is a context, which requires TLS and decides what is trusted, or one of asyncpg's modes; None leaves it to
    asyncpg. Connecting raises DatabaseAway, which says where, what the server said and what to do; it is
    DatabaseNotSecure, before any password is sent, if the required TLS is not available.
    """
    return create_async_engine(
        database_url,
        hide_parameters=True,
        isolation_level="AUTOCOMMIT",
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
            f"the certificate of {place_of(options)} is not trusted ({error.verify_message}): check the host in the "
            "URL and KEYLEDGER_DATABASE_CA_FILE"
        ) from error
    except (asyncpg.PostgresError, *TRANSPORT_ERRORS) as error:
        # The driver raises exactly ConnectionError if the server has no TLS; the system's own errors are subclasses of
        # it.
        if type(error) is ConnectionError and isinstance(options.get("ssl"), SSLContext):
            words = "offers no TLS, and the settings demand it: turn it on there (ssl = on); see KEYLEDGER_DATABASE_SSL"
            raise DatabaseNotSecure(f"{place_of(options)} {words}") from error
        raise away(error, options) from error


async def instants_as_us(driver: Any) -> None:
    """Make a connection read times as microseconds since 1970: a datetime costs as much as the rest of an event."""
    await driver.set_type_codec(
        "timestamptz",
        schema="pg_catalog",
        format="tuple",
        encoder=lambda us: (us - RAW_EPOCH_US,),
        decoder=lambda parts: parts[0] + RAW_EPOCH_US,
    )


async def instants_as_raw_us(driver: Any) -> None:
    """Make a connection read times as microseconds since 2000, as they are sent; add RAW_EPOCH_US to get 1970.

    A codec in Python would cost two calls per event, which is noticeable when reading a long log.
    """
    await driver.set_builtin_type_codec("timestamptz", schema="pg_catalog", codec_name="int8", format="binary")


@contextmanager
def translated(engine: AsyncEngine | None = None) -> Iterator[None]:
    """Turn errors that a retry can help with into DatabaseAway, which names the engine's database."""
    try:
        yield
    except TRANSPORT_ERRORS as error:
        raise away(error, None if engine is None else engine.url) from error


@asynccontextmanager
async def connected(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection of the pool for work on its driver; closed, not returned to the pool, if the block is cancelled.

    asyncpg sends no Sync between preparing and executing a statement, and SQLAlchemy resets only what it began itself.
    So a connection cancelled there, or in BEGIN, would wait in the pool in a transaction that holds its locks.
    """
    async with engine.connect() as connection:
        try:
            yield connection
        except asyncio.CancelledError:
            await connection.invalidate()
            raise


def begun(engine: AsyncEngine) -> AbstractAsyncContextManager[AsyncConnection]:
    """A connection of the pool in a transaction, which is committed at the end of the block."""
    return engine.execution_options(isolation_level="READ COMMITTED").begin()


async def driver_of(connection: AsyncConnection) -> Any:
    """The driver's own connection (asyncpg) below one of the pool."""
    return (await connection.get_raw_connection()).driver_connection


@asynccontextmanager
async def transaction(driver: Any, **options: Any) -> AsyncIterator[None]:
    """A transaction of the driver (asyncpg) on a connection that `connected` ends when its user is cancelled.

    The driver's own would then wait for the answer to a ROLLBACK, which a server that hangs does not give, past every
    deadline.
    """
    begun = driver.transaction(**options)
    await begun.start()
    try:
        yield
    except asyncio.CancelledError:
        raise
    except BaseException:
        await begun.rollback()
        raise
    await begun.commit()


@asynccontextmanager
async def snapshot(engine: AsyncEngine) -> AsyncIterator[Any]:
    """A connection of the driver (asyncpg) on which every statement sees the same snapshot. Raises DatabaseAway."""
    with translated(engine):
        async with connected(engine) as connection:
            driver = await driver_of(connection)
            async with transaction(driver, isolation="repeatable_read", readonly=True):
                yield driver


async def fetch(engine: AsyncEngine, statement: str, *arguments: object) -> list[Any]:
    """The rows of one statement. Raises Busy, also when there is no answer within ANSWER_S."""
    with translated(engine):
        async with asyncio.timeout(ANSWER_S), snapshot(engine) as driver:
            rows: list[Any] = await driver.fetch(statement, *arguments)
            return rows


async def execute(engine: AsyncEngine, statement: str, *arguments: object, timeout_s: float = ANSWER_S) -> str:
    """Run one statement for its effect, in a transaction of its own; returns what the server says was done.

    Raises Busy as `fetch` does.
    """
    with translated(engine):
        async with asyncio.timeout(timeout_s), connected(engine) as connection:
            return str(await (await driver_of(connection)).execute(statement, *arguments))


class DriverConnection:
    """One connection of the pool, reserved for one user: opened on first use and reopened after it breaks."""

    def __init__(self, engine: AsyncEngine, prepare: Callable[[Any], Awaitable[None]] | None = None) -> None:
        self._engine = engine
        self._prepare = prepare
        self._held: AsyncConnection | None = None
        self._driver: Any = None
        self._opening = asyncio.Lock()
        self._asking = asyncio.Lock()  # a connection runs one statement at a time

    async def get(self) -> Any:
        """The asyncpg connection. Raises DatabaseAway or one of TRANSPORT_ERRORS."""
        if self._driver is not None and not self._driver.is_closed():
            return self._driver
        async with self._opening:
            if self._driver is None or self._driver.is_closed():
                await self.close()
                self._held = await self._engine.connect()
                driver = await driver_of(self._held)
                if self._prepare is not None:
                    await self._prepare(driver)
                self._driver = driver
        return self._driver

    async def fetch(self, statement: str, *arguments: object) -> list[Any]:
        """The rows of one statement, run when the connection is free. Closes the connection if cancelled.

        Raises Busy, also when there is no answer within ANSWER_S.
        """
        with translated(self._engine):
            async with asyncio.timeout(ANSWER_S), self._asking:
                driver = await self.get()
                try:
                    rows: list[Any] = await driver.fetch(statement, *arguments)
                except asyncio.CancelledError:
                    await self.close()  # see `connected`
                    raise
                return rows

    async def close(self) -> None:
        """Close it; the next `get` opens another one."""
        held, self._held, self._driver = self._held, None, None
        if held is not None:
            with contextlib.suppress(*TRANSPORT_ERRORS):
                await held.invalidate()
            with contextlib.suppress(*TRANSPORT_ERRORS):
                await held.close()
