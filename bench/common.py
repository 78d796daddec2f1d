"""What the benches share: a server of their own, rounds taken in turn, medians and ratios."""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from sqlalchemy.engine import make_url

from keyledger.embedded.postgresql.supervisor import EmbeddedPostgres
from registry.db.connection import make_engine
from registry.db.migrate import migrate
from registry.keys.events import TagsChanged
from registry.log.event_log import Caller, NewEvent, Write
from registry.log.postgres import PostgresEventLog, open_log

REGISTRY = "registry"
CALLER = Caller("token-abcdefghijkl", None, "0" * 32, None)


@dataclass(frozen=True, slots=True)
class Server:
    """Where the bench's server is."""

    owner_url: str
    app_url: str
    host: str
    port: int
    user: str
    password: str
    database: str


@contextmanager
def server() -> Iterator[Server]:
    """An embedded PostgreSQL in a new folder, on TCP as what it is compared with is, migrated; gone afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="keyledger-bench-") as folder,
        EmbeddedPostgres(Path(folder) / "pg", tcp_port=0) as one,
    ):
        asyncio.run(migrate(one.owner_url, one.app_url))
        url = make_url(one.owner_url)
        where = (str(url.host), int(url.port or 0), str(url.username), str(url.password), str(url.database))
        yield Server(one.owner_url, one.app_url, *where)


async def fresh_registry(where: Server) -> tuple[str, str]:
    """An empty registry on the same server, in the place of the last one: URLs of its owner and of its application."""
    connection = await asyncpg.connect(
        host=where.host, port=where.port, user=where.user, password=where.password, database=where.database
    )
    await connection.execute(f"DROP DATABASE IF EXISTS {REGISTRY} WITH (FORCE)")
    await connection.execute(f"CREATE DATABASE {REGISTRY}")
    await connection.close()
    owner, app = (
        make_url(url).set(database=REGISTRY).render_as_string(hide_password=False)
        for url in (where.owner_url, where.app_url)
    )
    await migrate(owner, app)
    return owner, app


@asynccontextmanager
async def opened_log(url: str) -> AsyncIterator[PostgresEventLog]:
    """The log, closed with its engine."""
    engine = make_engine(url)
    log = await open_log(engine)
    try:
        yield log
    finally:
        await log.close()
        await engine.dispose()


async def append_events(log: PostgresEventLog, count: int, clients: int) -> None:
    """`clients` tasks append single tag edits, `count` together, each to a stream of its own."""

    async def client(number: int) -> None:
        event = NewEvent(TagsChanged({"customer_id": f"customer-{number}", "billing_tier": "gold"}, ()))
        write = Write(f"bench-{number}", lambda _scene: [event], CALLER)
        for _ in range(count // clients):
            await log.write(write)

    await asyncio.gather(*(client(number) for number in range(clients)))


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    """Seconds that the work takes."""
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


def median(values: list[float]) -> float:
    """The median."""
    return statistics.median(values)


def options(description: str, **numbers: int) -> argparse.Namespace:
    """The command line of a bench: its numbers, and --json."""
    parser = argparse.ArgumentParser(description=description)
    for name, default in numbers.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=default)
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def report(rows: list[dict[str, object]], *, as_json: bool) -> None:
    """Print the figures."""
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    for row in rows:
        print("  ".join(f"{name}: {_figure(value)}" for name, value in row.items()))


def progress(text: str) -> None:
    """Say on a terminal what goes on."""
    if sys.stderr.isatty():
        print(f"… {text}", file=sys.stderr, flush=True)


def _figure(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
    return str(value)
