"""A process for the length of a block, and the database of a running `up`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from keyledger.embedded.cluster import APPLICATION, DATABASE
from tests.support.processes.parts import Part
from tests.support.processes.registry_process import RegistryProcess


@asynccontextmanager
async def embedded(folder: Path) -> AsyncIterator[Any]:
    """A connection to the PostgreSQL of a running `up`, as the application's role."""
    port = int((folder / "postgres" / "port").read_text())
    password = (folder / "postgres" / "app-password").read_text().strip()
    connection = await asyncpg.connect(
        host="127.0.0.1", port=port, user=APPLICATION, password=password, database=DATABASE
    )
    yield connection
    await connection.close()


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
