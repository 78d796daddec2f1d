"""What is wrong with the database is said: where, as whom, what the server said, what to do; and never the password."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from ssl import create_default_context

import pytest
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from keyledger.embedded.postgresql.supervisor import EmbeddedPostgres
from registry.db.connection import fetch, make_engine, snapshot
from registry.db.migrate import migrate
from registry.errors import DatabaseAway, NotMigrated
from registry.log.postgres import open_log
from tests.support.servers.copies import Copies
from tests.support.servers.databases import Database, Server

ROLE, WRONG = "keyledger_test_causes", "correct-horse-battery"


def text(url: URL) -> str:
    return url.render_as_string(hide_password=False)


@asynccontextmanager
async def pool(url: str | URL, **options: object) -> AsyncIterator[AsyncEngine]:
    """A pool that ends with the block."""
    engine = make_engine(url if isinstance(url, str) else text(url), **options)  # type: ignore[arg-type]
    try:
        yield engine
    finally:
        await engine.dispose()


async def cause(url: URL, **options: object) -> str:
    """What is said of a database that can't be opened."""
    async with pool(url, **options) as engine:
        with pytest.raises(DatabaseAway) as caught:
            await open_log(engine)
    words = str(caught.value)
    assert str(url.password) not in words
    for inside in (url.password, url.host, url.database, url.username):
        assert str(inside) not in caught.value.public
    return words


Change = Callable[[URL], URL]
CAUSES: dict[str, tuple[Change, str, str]] = {
    "a wrong password": (lambda url: url.set(password=WRONG), r"28P01", "the user or the password"),
    "no such role": (lambda url: url.set(username="ghost", password=WRONG), r"ghost.*(28P01|28000)", "the user"),
    "no such database": (lambda url: url.set(database="nowhere"), r"nowhere.*(3D000|42501)", "the database"),
    "a closed port": (lambda url: url.set(port=1), "connection refused", "host and port"),
    "an unknown host": (lambda url: url.set(host="no.such.invalid"), "no address", "correct the host"),
}


@pytest.mark.parametrize("name", CAUSES)
async def test_each_cause_is_told_with_its_place_and_its_fix(database: Database, name: str) -> None:
    change, said, fix = CAUSES[name]
    url = change(make_url(database.app_url))
    words = await cause(url)
    assert re.search(said, words), words
    assert f"at {url.host}:{url.port}, database {url.database}, user {url.username}: " in words
    assert fix in words


async def test_tls_that_the_server_lacks_names_the_setting(database: Database) -> None:
    words = await cause(make_url(database.app_url), ssl=create_default_context())
    assert "offers no TLS" in words
    assert "KEYLEDGER_DATABASE_SSL" in words
    assert database.name in words


@pytest.mark.parametrize(
    ("role", "said", "fix"),
    [
        ("LOGIN CONNECTION LIMIT 0", r"too many connections for role.*53300", "max_connections"),
        ("NOLOGIN", r"not permitted to log in.*28000", "log in"),
    ],
)
async def test_a_role_that_the_server_turns_away_is_told_why(
    server: Server, database: Database, role: str, said: str, fix: str
) -> None:
    await server.run(f"DROP ROLE IF EXISTS {ROLE}", f"CREATE ROLE {ROLE} {role} PASSWORD '{WRONG}'")
    try:
        words = await cause(make_url(database.app_url).set(username=ROLE, password=WRONG))
    finally:
        await server.run(f"DROP ROLE {ROLE}")
    assert re.search(said, words), words
    assert fix in words


async def test_a_database_that_was_not_migrated_is_no_database_without_rights(
    blank: Copies, database: Database
) -> None:
    """Both were `run keyledger migrate` for a missing table."""
    fresh = await blank.take()
    async with pool(fresh.app_url) as engine:
        with pytest.raises(NotMigrated, match=rf"{fresh.name}.*keyledger migrate"):
            await open_log(engine)
    blank.drop(fresh)
    async with database.connect() as owner:
        user = make_url(database.app_url).username
        await owner.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA keyledger FROM {user}")
    words = await cause(make_url(database.app_url))
    assert re.search(r"permission denied for table \w+.*42501", words), words
    assert "KEYLEDGER_MIGRATION_DATABASE_URL" in words


@pytest.mark.parametrize(
    ("owner", "role", "said"),
    [
        (False, None, r"permission denied.*42501.*KEYLEDGER_MIGRATION_DATABASE_URL"),
        (True, "ghost", r"role \\?.ghost.*does not exist.*42704.*CREATE ROLE"),
    ],
)
async def test_migrate_says_what_it_lacks(blank: Copies, owner: bool, role: str | None, said: str) -> None:
    fresh = await blank.take()
    app = None if role is None else text(make_url(fresh.app_url).set(username=role))
    with pytest.raises(DatabaseAway, match=said):
        await migrate(fresh.owner_url if owner else fresh.app_url, app)
    blank.drop(fresh)


async def test_a_statement_that_ends_with_its_connection_is_told_where(database: Database) -> None:
    async def end() -> None:
        async with pool(database.app_url) as engine, snapshot(engine) as driver, database.connect() as owner:
            await owner.execute("SELECT pg_terminate_backend($1)", driver.get_server_pid())
            await driver.fetch("SELECT 1")

    with pytest.raises(DatabaseAway, match=rf"{database.name}.*(57P01|closed the connection|can't be used any more)"):
        await end()


@pytest.mark.long
async def test_a_server_that_shuts_down_says_so_and_one_that_is_down_is_not_reached(tmp_path: Path) -> None:
    """A server of its own, as the others' tests need theirs."""
    postgres = EmbeddedPostgres(tmp_path / "postgres", tcp_port=0)
    await asyncio.to_thread(postgres.start)
    url = make_url(postgres.app_url)
    try:
        async with pool(url) as engine, engine.connect():
            pid = (tmp_path / "postgres" / "data" / "postmaster.pid").read_text(encoding="ascii").split()[0]
            os.kill(int(pid), signal.SIGTERM)  # a smart shutdown: it waits for the session
            words = await refusal(url)
    finally:
        await asyncio.to_thread(postgres.stop)
    assert "57P03" in words
    assert "goes on by itself" in words
    assert "connection refused" in await cause(url)


async def refusal(url: URL) -> str:
    """What is said once the server lets nobody in any more."""
    async with asyncio.timeout(30):
        while True:
            async with pool(url) as late:
                try:
                    await fetch(late, "SELECT 1")
                except DatabaseAway as error:
                    return str(error)
