"""How long a create takes while twenty of each expensive read run: `python -m bench.crowd`.

`keyledger up` in a process of its own, on a new folder: keys with all the tags that a key can have, and one key with a
life of many events. The reference is the same creates in the same run, while nothing else runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from bench.common import options, progress, report
from bench.shared.running import Running, registry

READERS = 20
CREATORS = 4
_BULKY = {f"tag_{number:02}": "v" * 250 for number in range(63)}


def main() -> None:
    """Print what the creates took, alone and beneath each kind of read."""
    asked = options(__doc__, fat_keys=1000, events=20_000, seconds=8)
    with tempfile.TemporaryDirectory(prefix="keyledger-bench-") as folder, registry(Path(folder) / "data") as running:
        rows = asyncio.run(measure(running, asked.fat_keys, asked.events, asked.seconds))
    report(rows, as_json=asked.json)


async def measure(running: Running, fat_keys: int, events: int, seconds: int) -> list[dict[str, object]]:
    """The rows of the report."""
    async with running.client() as client:
        progress("seeding")
        longest = await seed(client, fat_keys, events)
        alone = await creates(client, seconds)
        rows: list[dict[str, object]] = [_row("alone", alone, alone, Counter())]
        for name, path in reads(longest).items():
            progress(name)
            async with reading(client, path) as answers:
                await asyncio.sleep(1)
                rows.append(_row(name, await creates(client, seconds), alone, answers))
        return rows


async def seed(client: httpx.AsyncClient, fat_keys: int, events: int) -> str:
    """Keys as large as they get, and one that was edited as often as it can be; the id of that one."""
    made = await client.post("/admin/api-keys", json={"tags": {"customer_id": "long"}})
    longest: str = made.raise_for_status().json()["public_id"]
    numbers = iter(range(fat_keys + events - 1))

    async def work() -> None:
        for number in numbers:
            if number < fat_keys:
                body = {"tags": {**_BULKY, "customer_id": f"c{number}"}}
                answer = await client.post("/admin/api-keys", json=body)
            else:
                answer = await client.patch(
                    f"/admin/api-keys/{longest}",
                    content=json.dumps({"tags": {"customer_id": f"c{number}"}}),
                    headers={"Content-Type": "application/merge-patch+json"},
                )
            answer.raise_for_status()

    await asyncio.gather(*(work() for _ in range(64)))
    return longest


def reads(longest: str) -> dict[str, str]:
    """What is asked for, by name."""
    soon = "2100-01-01T00:00:00.000Z"
    return {
        "a page of 1,000 keys": "/admin/api-keys?limit=1000",
        "a key of many events, at an instant": f"/admin/api-keys/{longest}?at={soon}",
        "its history": f"/audit/history/{longest}?limit=1000",
        "a page of 1,000 states": "/audit/state?limit=1000",
        "audit diff": "/audit/diff?known_at=0&known_at=1000",
        "audit verify": "/audit/verify",
        "a bill": "/billing/usage?since=2026-01-01T00:00:00Z&until=2026-02-01T00:00:00Z&group_by=customer_id",
    }


@asynccontextmanager
async def reading(client: httpx.AsyncClient, path: str) -> AsyncIterator[Counter[str]]:
    """READERS callers that ask again and again; what they were answered, by status."""
    answers: Counter[str] = Counter()

    async def ask() -> None:
        while True:
            try:
                answer = await client.get(path)
                answers[str(answer.status_code)] += 1
                if answer.status_code in {429, 503}:
                    await asyncio.sleep(float(answer.headers.get("Retry-After", 1)))
            except httpx.HTTPError as error:
                answers[type(error).__name__] += 1

    tasks = [asyncio.create_task(ask()) for _ in range(READERS)]
    try:
        yield answers
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def creates(client: httpx.AsyncClient, seconds: int) -> list[float]:
    """Milliseconds that each create took, sorted."""
    took: list[float] = []
    until = time.monotonic() + seconds

    async def create() -> None:
        while time.monotonic() < until:
            began = time.perf_counter()
            answer = await client.post("/admin/api-keys", json={"tags": {"customer_id": "acme"}})
            answer.raise_for_status()
            took.append((time.perf_counter() - began) * 1000)

    await asyncio.gather(*(create() for _ in range(CREATORS)))
    return sorted(took)


def _row(name: str, took: list[float], alone: list[float], answers: Counter[str]) -> dict[str, object]:
    said = ", ".join(f"{count} times {status}" for status, count in sorted(answers.items())) or "none"
    return {
        "while": name,
        "answers": said,
        "creates": len(took),
        "p50 ms": at(took, 0.5),
        "p99 ms": at(took, 0.99),
        "p99 to alone": at(took, 0.99) / at(alone, 0.99),
    }


def at(values: list[float], share: float) -> float:
    """The value below which that share of the sorted values lies."""
    return values[min(len(values) - 1, int(len(values) * share))]


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
