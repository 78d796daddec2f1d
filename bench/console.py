"""Milliseconds of pages of the console among many keys and much usage: `python -m bench.console`.

`keyledger up` in a process of its own, on a new folder, and one person who opens each page again and again. A thousand
of the keys have usage. The aim is 300 ms of the server's time, but for bills over everything.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import httpx

from bench.common import median, options, progress, report
from bench.shared.gateway_rows import gateway_rows
from bench.shared.running import Running, registry
from keyledger.cli.reach import operator
from keyledger.settings import Settings

BULK: Final = 1_000
USED: Final = 1_000
SPAN_MS: Final = 2_000
ROWS_AT_ONCE: Final = 1_000_000
COLLECT_S: Final = 1_800
EVERYTHING: Final = "a bill over everything"
PAGES: Final = {
    "keys": "/console/keys",
    "keys of a customer": "/console/keys?tag=customer_id:customer-471",
    "keys by a text": "/console/keys?q=customer-471",
    "a key, with its use": "/console/keys/{key}",
    "edit a key": "/console/keys/{key}/edit",
    "new key": "/console/keys/new",
    "the bill of a key": "/console/bills?key={key}&group_by=model",
    "the bill of a customer": "/console/bills?tag=customer_id:customer-7",
    "inferences of a key": "/console/bills/inferences?key={key}&group_by=",
    EVERYTHING: "/console/bills",
    "prices": "/console/prices",
    "tag policy": "/console/policy",
    "tokens": "/console/tokens",
    "webhooks": "/console/webhooks",
    "events": "/console/events",
    "audit": "/console/audit",
    "keys as of an instant": "/console/audit/state",
    "health": "/console/health",
}


def main() -> None:
    """Run and print."""
    chosen = options(__doc__ or "", keys=100_000, inferences=10_000_000, rounds=20)
    with tempfile.TemporaryDirectory(prefix="keyledger-bench-") as folder, registry(Path(folder) / "data") as running:
        used = asyncio.run(fill(running, chosen.keys, chosen.inferences))
        rows = measured(running, used[0], chosen.rounds)
    report(rows, as_json=chosen.json)


async def fill(running: Running, keys: int, inferences: int) -> list[str]:
    """Make the keys, and the usage of some of them; returns those."""
    async with running.client() as client, operator(running.folder, Settings.read()) as engine:
        progress("keys")
        made: list[str] = []
        for since in range(0, keys, BULK):
            wanted = [{"tags": tags_of(number)} for number in range(since, min(since + BULK, keys))]
            answer = await client.post("/admin/api-keys/bulk-create", json={"items": wanted})
            answer.raise_for_status()
            made += [one["public_id"] for one in answer.json()["items"]]
        used, made_ms = made[:USED], time.time_ns() // 1_000_000
        await asyncio.sleep(SPAN_MS / 1000)
        quoted = ", ".join(f"'{one}'" for one in used)
        for number in range(max(1, inferences // ROWS_AT_ONCE)):
            progress(f"rows, {number + 1} million")
            count, span_ms = min(ROWS_AT_ONCE, inferences), max(1, SPAN_MS * ROWS_AT_ONCE // inferences)
            since_ms, key = made_ms + number * span_ms, f"[{quoted}][1 + {{n}}]"
            for statement in gateway_rows(count, len(used), key=key, since_ms=since_ms, span_ms=span_ms):
                (await engine.post("/operator/sql", json={"sql": statement})).raise_for_status()
        progress("collecting")
        await collected(client, used[0])
    return used


def tags_of(number: int) -> dict[str, str]:
    """The tags of a key."""
    return {"customer_id": f"customer-{number % 500}", "billing_tier": ("gold", "silver")[number % 2]}


async def collected(client: httpx.AsyncClient, key: str) -> None:
    """Return when the journal has all rows."""
    question: dict[str, Any] = {"since": "2020-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z", "key": key}
    async with asyncio.timeout(COLLECT_S):
        while True:
            answer = await client.get("/billing/usage", params=question)
            if answer.status_code == 200 and answer.json()["usage"]["uncollected"] == 0:
                return
            await asyncio.sleep(1)


def measured(running: Running, key: str, rounds: int) -> list[dict[str, object]]:
    """The rows of the report."""
    rows: list[dict[str, object]] = []
    with httpx.Client(base_url=running.url, headers={"Origin": running.url}, timeout=600) as http:
        assert http.post("/console/login", data={"token": running.token}).status_code == 303
        for what, path in PAGES.items():
            progress(what)
            [(_, first)] = times_ms(http, path.format(key=key), 1)
            begun, took = zip(*times_ms(http, path.format(key=key), rounds), strict=True)
            medians = {"begins, ms": median(list(begun)), "median ms": median(list(took))}
            rows.append({"page": what, "first ms": first, **medians, "slowest ms": max(took)})
    return rows


def times_ms(http: httpx.Client, path: str, count: int) -> list[tuple[float, float]]:
    """How long each load took, until the page begins and to its end."""
    times = []
    for _ in range(count):
        began = time.perf_counter()
        with http.stream("GET", path) as answer:
            assert answer.status_code == 200, path
            parts = answer.iter_bytes()
            next(parts)
            begun = time.perf_counter()
            for _part in parts:
                pass
        times.append(((begun - began) * 1000, (time.perf_counter() - began) * 1000))
    return times


if __name__ == "__main__":
    main()
