"""PostgreSQL for tests: a server, a migrated template, and a fresh database for each test that asks for one."""

from __future__ import annotations

import asyncio
import os
import secrets
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from unittest import mock

import asyncpg
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from tenacity import Retrying, retry, retry_if_exception_type, stop_after_attempt, stop_after_delay, wait_fixed

from registry.db.migrate import migrate
from tests.support.servers.docker import container
from tests.support.servers.images import POSTGRES as IMAGE

# The owner's URL of a server whose owner may make databases and roles.
VARIABLE = "KEYLEDGER_TEST_DATABASE_URL"
_EXTERNAL_ROLE = "keyledger_test_app"


@dataclass(frozen=True, slots=True)
class Database:
    """One database, by the URL of its owner and by that of the application's role."""

    owner_url: str = field(repr=False)
    app_url: str = field(repr=False)

    @property
    def name(self) -> str:
        """Its name on the server."""
        return make_url(self.owner_url).database or ""

    @asynccontextmanager
    async def connect(self, *, owner: bool = True) -> AsyncIterator[Any]:
        """A plain connection of the driver, as the owner or as the application."""
        connection = await asyncpg.connect(plain(self.owner_url if owner else self.app_url))
        try:
            yield connection
        finally:
            await connection.close(timeout=5)

    @asynccontextmanager
    async def engine(self) -> AsyncIterator[AsyncEngine]:
        """A pool of the application's role."""
        engine = create_async_engine(self.app_url, hide_parameters=True, pool_size=8)
        try:
            yield engine
        finally:
            await engine.dispose()


@dataclass(frozen=True, slots=True)
class Server:
    """A server: its two URLs name any database of it. `is_ours`: the tests started it, and nobody else uses it."""

    owner: URL
    application: URL
    is_ours: bool

    def database(self, name: str) -> Database:
        """The URLs of one of its databases."""
        return Database(*(url.set(database=name).render_as_string(hide_password=False) for url in (
            self.owner, self.application
        )))  # fmt: skip

    async def run(self, *statements: str) -> None:
        """Run statements that stand outside of transactions, as the owner."""
        connection = await _connected(plain(self.owner.render_as_string(hide_password=False)))
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def copy(self, template: str | None = None) -> Database:
        """A new database, empty or equal to a template."""
        name = f"keyledger_test_{secrets.token_hex(6)}"
        role = self.application.username
        await self.run(
            f"CREATE DATABASE {name} TEMPLATE {template or 'template0'}",
            f"GRANT CONNECT ON DATABASE {name} TO {role}",
        )
        return self.database(name)

    async def migrated(self) -> Database:
        """A new database, migrated, with the application's grants."""
        database = await self.copy()
        await migrate(database.owner_url, database.app_url)
        return database

    async def drop(self, database: Database) -> None:
        """Remove a database, whoever is connected to it."""
        await self.run(f"DROP DATABASE IF EXISTS {database.name} WITH (FORCE)")


@retry(stop=stop_after_attempt(5), retry=retry_if_exception_type((TimeoutError, OSError)), reraise=True)
async def _connected(url: str) -> Any:
    """A connection, also where the loop stands still meanwhile.

    It does while tests without a loop run, such as those of the browser: then the minutes are over that the driver and
    the server give a connection to be made.
    """
    return await asyncpg.connect(url)


def plain(url: str) -> str:
    """The URL as asyncpg takes it."""
    return url.replace("postgresql+asyncpg://", "postgresql://")


@contextmanager
def running_server() -> Iterator[Server]:
    """The server of the environment, else a container, else an embedded one; the last two end with the block."""
    given = os.environ.get(VARIABLE)
    if given:
        yield _external(make_url(given), is_ours=False)
        return
    password = secrets.token_hex(16)
    with container(IMAGE, 5432, {"POSTGRES_PASSWORD": password, "POSTGRES_USER": "owner"}) as place:
        if place is not None:
            owner = URL.create("postgresql+asyncpg", "owner", password, *place, "postgres")
            _wait_until_it_answers(owner)
            yield _external(owner, is_ours=True)
            return
    # Only here: who tests against a server of their own need not have the embedded extra.
    from keyledger.embedded.postgresql import supervisor as embedded  # noqa: PLC0415

    with (
        tempfile.TemporaryDirectory(prefix="keyledger-test-", ignore_cleanup_errors=True) as folder,
        ExitStack() as running,
    ):
        with mock.patch.dict(embedded._SETTINGS, {"fsync": "off", "full_page_writes": "off"}):  # see `relax`
            postgres = running.enter_context(embedded.EmbeddedPostgres(Path(folder) / "postgres", tcp_port=0))
        yield Server(make_url(postgres.owner_url), make_url(postgres.app_url), is_ours=True)


async def make_role(server: Server) -> None:
    """Make the application's role where the server has none; two sessions at once may try."""
    if server.application.username != _EXTERNAL_ROLE:
        return
    try:
        await server.run(f"CREATE ROLE {_EXTERNAL_ROLE} LOGIN PASSWORD '{server.application.password}'")
    except (asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
        return


async def relax(server: Server) -> None:
    """Let commits of both roles return before they are on the disk: no test kills this server or the machine.

    Leaves a server that the tests did not start as it is: the setting would outlast them there.
    """
    if not server.is_ours:
        return
    roles = (server.owner.username, server.application.username)
    await server.run(*(f"ALTER ROLE {role} SET synchronous_commit = off" for role in roles))


def _external(owner: URL, *, is_ours: bool) -> Server:
    # The role's password is the same for every session on one server, and known to nobody who can't be its owner.
    password = sha256(owner.render_as_string(hide_password=False).encode()).hexdigest()
    return Server(owner, owner.set(username=_EXTERNAL_ROLE, password=password), is_ours)


def _wait_until_it_answers(owner: URL) -> None:
    async def ask() -> None:
        connection = await asyncpg.connect(plain(owner.render_as_string(hide_password=False)), timeout=5)
        await connection.close()

    for attempt in Retrying(stop=stop_after_delay(60), wait=wait_fixed(0.2), reraise=True):
        with attempt:
            asyncio.run(ask())
