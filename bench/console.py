"""Milliseconds of pages of the console among many keys: `python -m bench.console`.

A registry in a process of its own, as bench.api has it, and one person who opens each page again and again. The aim is
300 ms of the server's time. There is no usage: what bills cost is bench.bill's and bench.portal's.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Final

import httpx

from bench.common import median, options, progress, report
from bench.shared.running import Running, started

PAGES: Final = {
    "keys": "/console/keys",
    "keys of a customer": "/console/keys?tag=customer_id:customer-4711",
    "keys by a text": "/console/keys?q=customer-4711",
    "a key": "/console/keys/{key}",
    "edit a key": "/console/keys/{key}/edit",
    "new key": "/console/keys/new",
    "prices": "/console/prices",
    "tag policy": "/console/policy",
    "tokens": "/console/tokens",
    "webhooks": "/console/webhooks",
    "events": "/console/events",
    "health": "/console/health",
    "a bill without usage": "/console/bills",
}


def visitor(where: Running) -> httpx.Client:
    """A browser that is logged in."""
    made = httpx.Client(base_url=where.url, headers={"Origin": where.url}, timeout=60)
    assert made.post("/console/login", data={"token": where.token}).status_code == 303
    return made


def times_ms(http: httpx.Client, path: str, count: int) -> list[float]:
    """How long each load took."""
    times = []
    for _ in range(count):
        began = time.perf_counter()
        assert http.get(path).status_code == 200, path
        times.append((time.perf_counter() - began) * 1000)
    return times


def main() -> None:
    """Run and print."""
    chosen = options(__doc__ or "", keys=100_000, rounds=20)
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory(prefix="keyledger-bench-") as folder:
        progress("the registry and its keys")
        data = Path(folder) / "data"
        with started(data, "bench.api_load.app", str(data), str(chosen.keys)) as (where, _):
            http = visitor(where)
            headers = {"Authorization": f"Bearer {where.token}"}
            body = {"tags": {"customer_id": "acme"}}
            key = httpx.post(f"{where.url}/admin/api-keys", json=body, headers=headers).json()["public_id"]
            for what, path in PAGES.items():
                progress(what)
                times_ms(http, path.format(key=key), 2)
                took = sorted(times_ms(http, path.format(key=key), chosen.rounds))
                rows.append({"page": what, "median ms": median(took), "slowest ms": took[-1]})
    report(rows, as_json=chosen.json)


if __name__ == "__main__":
    main()
