"""A process for the length of a block, and the database of a running `up`."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import psutil

from keyledger.embedded.postgresql.cluster import APPLICATION, DATABASE
from keyledger.embedded.socket_path import short_name
from tests.support.processes.parts import Part
from tests.support.processes.registry_process import RegistryProcess


@asynccontextmanager
async def embedded(folder: Path, role: str = APPLICATION) -> AsyncIterator[Any]:
    """A connection to the PostgreSQL of a running `up`, as one of its two roles; by its port where it has one."""
    whose = "app" if role == APPLICATION else "owner"
    password = (folder / "postgres" / f"{whose}-password").read_text().strip()
    port, where = folder / "postgres" / "port", dict[str, Any]()
    with ExitStack() as held:
        if port.exists():
            where = {"host": "127.0.0.1", "port": int(port.read_text())}
        else:
            where = {"host": held.enter_context(short_name(folder / "postgres" / "data" / ".s.PGSQL.5432"))}
        connection = await asyncpg.connect(**where, user=role, password=password, database=DATABASE)
        yield connection
        await connection.close()


@asynccontextmanager
async def hung_postgres(registry: RegistryProcess) -> AsyncIterator[None]:
    """Its PostgreSQL, all of its processes stopped by SIGSTOP."""
    (server,) = (psutil.Process(pid) for pid in registry.postmasters())
    processes = [server, *server.children(recursive=True)]
    try:
        _send(processes, signal.SIGSTOP)
        yield
    finally:
        _send(processes, signal.SIGCONT)


def _send(processes: list[psutil.Process], number: signal.Signals) -> None:
    """Send a signal to those that are there: under load, some of a server's processes end between two looks."""
    for one in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.send_signal(number)


@asynccontextmanager
async def started(process: RegistryProcess | Part) -> AsyncIterator[Any]:
    """The process, from when it is ready to the end of the block; then it must stop cleanly."""
    await process.start()
    try:
        yield process
    except BaseException:
        await process.kill()
        raise
    assert await process.stop() in {0, None}
