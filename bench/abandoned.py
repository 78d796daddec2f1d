"""What 64 bills cost whose callers leave after a second: `python -m bench.abandoned`.

The reference is one bill in the same run, whose caller waits: how long it takes, and what memory the process has then.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import psutil

from bench.common import options, progress, report
from bench.shared.gateway_rows import gateway_rows
from bench.shared.running import Running, registry

BILL = "/billing/usage?since=2025-01-01T00:00:00Z&until=2025-02-01T00:00:00Z&group_by=customer_id&group_by=model"
CALLERS = 64
LEAVE_AFTER_S = 1.0


def main() -> None:
    """Print what one bill takes alone, what the next one takes after the abandoned ones, and what a stop takes."""
    asked = options(__doc__, inferences=5_000_000, keys=5000)
    with tempfile.TemporaryDirectory(prefix="keyledger-bench-") as folder, registry(Path(folder) / "data") as running:
        for statement in gateway_rows(asked.inferences, asked.keys):
            progress("rows")
            running.sql(statement)
        rows = asyncio.run(measure(running))
    report(rows, as_json=asked.json)


async def measure(running: Running) -> list[dict[str, object]]:
    """The rows of the report."""
    async with running.client() as client:
        await bill_s(client)
        async with peak(running.process) as alone_mb:
            alone_s = await bill_s(client)
        async with peak(running.process) as crowd_mb:
            await asyncio.gather(*(leave(running) for _ in range(CALLERS)))
            after_s = await bill_s(client)
        leaving = asyncio.gather(*(leave(running) for _ in range(CALLERS)))
        await asyncio.sleep(LEAVE_AFTER_S)
        began = time.perf_counter()
        running.process.terminate()
        await asyncio.to_thread(running.process.wait)
        stop_s = time.perf_counter() - began
        await leaving
    return [
        {"what": "one bill", "s": alone_s, "peak MB": alone_mb[0]},
        {
            "what": f"the next after {CALLERS} that were abandoned",
            "s": after_s,
            "to one": after_s / alone_s,
            "peak MB": crowd_mb[0],
            "memory to one": crowd_mb[0] / alone_mb[0],
        },
        {"what": f"SIGTERM while {CALLERS} run", "s": stop_s},
    ]


async def bill_s(client: httpx.AsyncClient) -> float:
    """Seconds until there is a bill, asked for again as long as it is refused for now."""
    began = time.perf_counter()
    while (answer := await client.get(BILL)).status_code in {429, 503}:  # noqa: ASYNC110 - an HTTP answer has no event
        await asyncio.sleep(0.1)
    answer.raise_for_status()
    return time.perf_counter() - began


async def leave(running: Running) -> None:
    """Ask for a bill, and leave."""
    async with running.client() as client:
        with contextlib.suppress(TimeoutError, httpx.HTTPError):
            async with asyncio.timeout(LEAVE_AFTER_S):
                await client.get(BILL)


@asynccontextmanager
async def peak(process: psutil.Process) -> AsyncIterator[list[float]]:
    """The greatest resident set of the process within the block, in MB."""
    most = [0.0]

    async def watch() -> None:
        while True:
            most[0] = max(most[0], process.memory_info().rss / 1e6)
            await asyncio.sleep(0.02)

    task = asyncio.create_task(watch())
    try:
        yield most
    finally:
        task.cancel()


if __name__ == "__main__":
    main()
