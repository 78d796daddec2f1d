"""What a portal waits for its customers' bills of the month: `python -m bench.portal`.

`keyledger up` in a process of its own, on a new folder, with usage of a month. 50 times a second a bill of one customer
is asked for, as soon as it is due, also where earlier ones have no answer yet: alone; while inferences come and are
collected; and while a bill over everything runs all the time as well; each with bills of this moment, and with such as
may be `--max-age` seconds old. The reference is the first such bill, which finds nothing made. `--customers 1` asks for
the same one each time.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import httpx

from bench.common import options, progress, report
from bench.shared.gateway_rows import gateway_rows
from bench.shared.running import Running, registry
from keyledger.cli.reach import operator
from keyledger.settings import Settings

CUSTOMERS = 200
A_SECOND = 50
SPAN_MS = 2000  # of the usage before, and of what comes in one go
GO_MS = 1000
COMING = 40


def main() -> None:
    """Print the median, the 95th and the 99th percentile of the answers, in ms, and their ratio to the first."""
    asked = options(__doc__, inferences=1_000_000, keys=1000, customers=CUSTOMERS, seconds=20, max_age=2)
    with tempfile.TemporaryDirectory(prefix="keyledger-bench-") as folder, registry(Path(folder) / "data") as running:
        rows = asyncio.run(
            measure(running, asked.inferences, asked.keys, asked.customers, asked.seconds, asked.max_age)
        )
    report(rows, as_json=asked.json)


async def measure(
    running: Running, inferences: int, keys: int, customers: int, seconds: int, max_age: int
) -> list[dict[str, object]]:
    """The rows of the report."""
    async with running.client() as client, operator(running.folder, Settings.read()) as engine:
        progress("keys")
        ids = [await create(client, number) for number in range(keys)]
        quoted, made_ms = ", ".join(f"'{one}'" for one in ids), now_ms()
        await asyncio.sleep(SPAN_MS / 1000)
        for statement in gateway_rows(
            inferences, keys, key=f"[{quoted}][1 + {{n}}]", since_ms=made_ms, span_ms=SPAN_MS
        ):
            progress("rows")
            await sql(engine, statement)
        began = time.perf_counter()
        await bill(client, 0)
        first_ms = (time.perf_counter() - began) * 1000
        rows: list[dict[str, object]] = [{"what": "the first", "bills": "of this moment", "p50 ms": first_ms}]
        for what, load in (
            ("alone", ()),
            ("while inferences come", (lambda: inferences_come(engine, ids[0]),)),
            ("and a bill over everything runs", (lambda: inferences_come(engine, ids[0]), lambda: full(client))),
        ):
            for of, headers in (
                ("of this moment", {}),
                (f"max-age={max_age}", {"Cache-Control": f"max-age={max_age}"}),
            ):
                progress(f"{what}, {of}")
                async with running_all(load):
                    waited = await ask(client, customers, seconds, headers)
                p50, p95, p99 = (statistics.quantiles(waited, n=100)[at - 1] for at in (50, 95, 99))
                row = {"what": what, "bills": of, "p50 ms": p50, "p95 ms": p95, "p99 ms": p99}
                rows.append({**row, "to the first": p50 / first_ms})
    return rows


def now_ms() -> int:
    """The clock."""
    return time.time_ns() // 1_000_000


def month() -> dict[str, str]:
    """The current month, to its end."""
    first = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    until = (first + timedelta(days=31)).replace(day=1)
    return {"since": first.isoformat(), "until": until.isoformat()}


async def create(client: httpx.AsyncClient, number: int) -> str:
    """The public id of a new key."""
    tags = {"customer_id": f"customer-{number % CUSTOMERS}", "env": f"env-{number % 3}"}
    answer = await client.post("/admin/api-keys", json={"tags": tags})
    answer.raise_for_status()
    return str(answer.json()["public_id"])


async def sql(engine: httpx.AsyncClient, statement: str) -> None:
    """Run a statement in the engine, as the operator."""
    (await engine.post("/operator/sql", json={"sql": statement})).raise_for_status()


async def bill(client: httpx.AsyncClient, customer: int, headers: Mapping[str, str] | None = None) -> None:
    """The month of a customer."""
    question = {**month(), "tag": f"customer_id:customer-{customer}"}
    while (answer := await client.get("/billing/usage", params=question, headers=headers)).status_code == 429:  # noqa: ASYNC110
        await asyncio.sleep(1 / A_SECOND)  # it counts as waiting
    answer.raise_for_status()
    if answer.json()["total"]["inferences"] == 0:
        raise AssertionError("the customer has no usage")


async def ask(client: httpx.AsyncClient, customers: int, seconds: int, headers: Mapping[str, str]) -> list[float]:
    """How long each of the bills took, in ms, from when it was due."""
    chance, waited = Random(1), list[float]()

    async def one() -> None:
        began = time.perf_counter()
        await bill(client, chance.randrange(customers), headers)
        waited.append((time.perf_counter() - began) * 1000)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(seconds * A_SECOND):
            tasks.create_task(one())
            await asyncio.sleep(1 / A_SECOND)
    return waited


async def inferences_come(engine: httpx.AsyncClient, key: str) -> None:
    """Some inferences each second."""
    while True:
        rows = gateway_rows(COMING, 1, key=f"'{key}'", since_ms=now_ms() - GO_MS, span_ms=GO_MS)
        await asyncio.gather(*(sql(engine, statement) for statement in rows))
        await asyncio.sleep(GO_MS / 1000)


async def full(client: httpx.AsyncClient) -> None:
    """One bill over everything after the other."""
    while True:
        (
            await client.get("/billing/usage", params={**month(), "group_by": ["customer_id", "model"]})
        ).raise_for_status()


@asynccontextmanager
async def running_all(loads: tuple[Callable[[], Awaitable[None]], ...]) -> AsyncIterator[None]:
    """Run these meanwhile."""
    tasks = [asyncio.ensure_future(load()) for load in loads]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    main()
