"""One step of the bench in a process of its own: it prints its events, its seconds and the greatest memory it had.

    python -m bench.replaying.steps STEP JSON

JSON has the arguments below. What a process needs to start and to connect is in no figure.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import msgspec

from audit.archive.export import export_lines
from audit.archive.reader import open_archive
from audit.archive.restore import restore
from audit.archive.writer import ArchiveContent, write_archive
from audit.fold import Fold
from audit.replay.projecting import project_into, store_for
from bench.common import opened_log, timed
from bench.replaying.made_log import plain
from keyledger.runtime.garbage import collect_garbage_rarely
from projections.engine import ddl
from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from registry.db.connection import make_engine
from registry.log.chain_walk import pages, unchecked_pages
from registry.log.log_position import NOWHERE, start_of

_COPY = "SELECT * FROM keyledger.event WHERE position <= {until} ORDER BY position"


class Asked(msgspec.Struct, frozen=True):
    """The log is at `url`, and counts up to position `until`. `folder` is empty, or has the archive of an export."""

    url: str
    until: int
    folder: str = ""


async def copy(asked: Asked) -> float:
    """A binary COPY of the rows to a client that throws them away."""
    connection = await asyncpg.connect(plain(asked.url))

    async def throw_away(_chunk: bytes) -> None:
        return None

    query = _COPY.format(until=asked.until)
    seconds = await timed(lambda: connection.copy_from_query(query, output=throw_away, format="binary"))
    await connection.close()
    return seconds


async def fold(asked: Asked) -> float:
    """Read, decode, fold: the state of every key."""
    async with opened_log(asked.url) as log:
        folding, began = Fold(), time.perf_counter()
        async for page in unchecked_pages(log, until=asked.until):
            folding.take(page)
        states = sum(1 for _ in folding.states())
        seconds = time.perf_counter() - began
    assert states
    return seconds


async def check(asked: Asked) -> float:
    """Read, and compute every digest and hash again."""
    async with opened_log(asked.url) as log:
        began = time.perf_counter()
        async for _ in pages(log, start_of(log), asked.until):
            pass
        return time.perf_counter() - began


async def rebuild(asked: Asked) -> float:
    """Check, decode, project and write a ledger in the embedded engine, until everything is applied."""
    with tempfile.TemporaryDirectory() as folder:
        clickhouse, names = ClickHouse(f"chdb://{folder}"), Names("ledger", "gateway")
        await ddl.apply(clickhouse, names, gateway_tables=True, durable=False)
        store = store_for(clickhouse, names)
        async with opened_log(asked.url) as log:
            began = time.perf_counter()
            async for _ in project_into(log, store, NOWHERE, asked.until):
                pass
            assert (await store.applied()).position == asked.until
            seconds = time.perf_counter() - began
        await clickhouse.close()
    return seconds


async def export(asked: Asked) -> float:
    """Check, and write the archive."""
    async with opened_log(asked.url) as log:
        source = ArchiveContent(log.log_id, export_lines(log, asked.until))
        return await timed(lambda: write_archive(Path(asked.folder), source, datetime.now(UTC)))


async def import_(asked: Asked) -> float:
    """Check the archive twice (digests, lines), restore it, and fold the current state, into an empty registry."""
    engine = make_engine(asked.url)
    began = time.perf_counter()
    restored = await restore(engine, open_archive(Path(asked.folder)))
    seconds = time.perf_counter() - began
    assert restored.position == asked.until
    await engine.dispose()
    return seconds


async def library(asked: Asked) -> float:
    """Select and decode with the `eventsourcing` library."""
    from bench.replaying.library import Library  # noqa: PLC0415 - its imports are in no other step's memory

    recorded = Library(asked.url)
    seconds, count = recorded.replay()
    recorded.close()
    assert count == asked.until
    return seconds


STEPS: dict[str, Callable[[Asked], Awaitable[float]]] = {
    "copy": copy,
    "fold": fold,
    "check": check,
    "rebuild": rebuild,
    "export": export,
    "import": import_,
    "library": library,
}


async def _run(name: str, asked: Asked) -> float:
    return await STEPS[name](asked)


def main() -> None:
    """Run the step and print."""
    asked = msgspec.json.decode(sys.argv[2], type=Asked)
    collect_garbage_rarely()
    seconds = asyncio.run(_run(sys.argv[1], asked))
    print(json.dumps({"rate": asked.until / seconds, "peak_mb": _peak_mb()}))


def _peak_mb() -> float:
    """The greatest resident memory of this process. What `getrusage` says begins with the parent's."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    main()
