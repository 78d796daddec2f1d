"""Fixtures that every ring may ask for. A test touches a database only by asking for one."""

from __future__ import annotations

import contextlib
import gc
import secrets
import signal
from collections.abc import AsyncIterator, Generator, Iterator

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy.ext.asyncio import AsyncEngine

from registry.log.postgres import PostgresEventLog, open_log
from tests.support.servers.broker import (
    Broker,
    JarBroker,
    NoBroker,
    jar_broker,
    missing_service,
    running_broker,
)
from tests.support.servers.copies import Copies
from tests.support.servers.databases import Database, Server, make_role, relax, running_server

pytest_plugins = ["tests.support.memory_folder", "tests.support.rings"]

_FAILED = pytest.StashKey[bool]()

# One machine's load must not decide a test: no deadlines, and a fixture that is made once for all examples is meant so.
settings.register_profile("keyledger", deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
settings.load_profile("keyledger")

# A shell ignores SIGINT for what it starts in the background, and every process of a test would ignore it, too.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A broker takes seconds and half a gigabyte: the tests that share it go to the worker that has it."""
    for item in items:
        if isinstance(item, pytest.Function) and "broker" in item.fixturenames:
            item.add_marker(pytest.mark.xdist_group("kafka"))


def pytest_collection_finish() -> None:
    """What was imported and collected stays: the garbage collector need not look at it again and again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember whether a test failed, for the fixtures that keep what it left."""
    report = yield
    if report.failed:
        item.stash[_FAILED] = True
    return report


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL server for the session."""
    with running_server() as running:
        yield running


@pytest.fixture(scope="session")
def broker() -> Iterator[Broker]:
    """A Kafka broker for the session. Where none can be had the test is skipped, and fails when CI=true."""
    with contextlib.ExitStack() as running:
        try:
            yield running.enter_context(running_broker())
        except NoBroker as error:
            missing_service(str(error))


@pytest.fixture
def own_broker() -> Iterator[JarBroker]:
    """A broker of the test's own, to be killed and restarted. Skipped or failed as `broker` is."""
    with contextlib.ExitStack() as running:
        try:
            yield running.enter_context(jar_broker())
        except NoBroker as error:
            missing_service(str(error))


@pytest.fixture
def topic() -> str:
    """The name of a topic that nobody has used; who needs it makes it."""
    return f"keyledger.test.{secrets.token_hex(6)}"


@pytest.fixture(scope="session")
async def template(server: Server) -> AsyncIterator[Database]:
    """A migrated database, never connected to: those of the tests are copies of it."""
    await make_role(server)
    await relax(server)
    database = await server.migrated()
    yield database
    await server.drop(database)


@pytest.fixture(scope="session")
async def migrated(server: Server, template: Database) -> AsyncIterator[Copies]:
    """Migrated databases without an event."""
    made = Copies(server, template)
    yield made
    await made.close()


@pytest.fixture(scope="session")
async def blank(server: Server, template: Database) -> AsyncIterator[Copies]:
    """Databases with nothing in them."""
    assert template  # it makes the role
    made = Copies(server)
    yield made
    await made.close()


@pytest.fixture
def copies(migrated: Copies) -> Copies:
    """Where `database` comes from: a folder whose tests want a filled one gives its own."""
    return migrated


@pytest.fixture
async def database(request: pytest.FixtureRequest, copies: Copies) -> AsyncIterator[Database]:
    """A fresh migrated database; kept, and named, when its test fails."""
    fresh = await copies.take()
    yield fresh
    if request.node.stash.get(_FAILED, False):
        print(f"kept for a look: database {fresh.name}")  # noqa: T201 - pytest shows it with the failure
    else:
        copies.drop(fresh)


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    """A pool of the application's role on the test's database."""
    async with database.engine() as made:
        yield made


@pytest.fixture
async def postgres_log(engine: AsyncEngine) -> AsyncIterator[PostgresEventLog]:
    """The event log of the test's database."""
    log = await open_log(engine)
    yield log
    await log.close()
