"""Requests a second of the API, as ratios in one run to the same app answering a constant: `python -m bench.api`.

A registry in a process of its own, and autocannon with 32 connections in another. The constant is an answer of a key's
size that goes through all that each request does: its token too. Rounds are taken in turn; each figure is the median of
its rounds, each ratio the median of the rounds' ratios. Lists are of a million keys. Bulk creation has a reference of
its own: COPY of the rows that it wrote, into tables with the same indexes. Needs node and npm.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Final

import asyncpg

from bench.api_load.app import CONSTANT
from bench.api_load.generator import Answered, install, load
from bench.common import median, options, progress, report
from bench.lists import plain_url
from bench.shared.running import Running, started

KEYS: Final = "/admin/api-keys"
BULK: Final = 1000
TABLES: Final = ("event", "key_state", "credential")
NEW: Final = {"tags": {"customer_id": "acme", "billing_tier": "gold"}}


def one_round(program: Path, where: Running, api_key: str, seconds: int) -> dict[str, Answered]:
    """Each call, one after the other."""
    asked = {
        "constant": (CONSTANT, None),
        "verify a key": ("/verify", {"api_key": api_key}),
        "create a key": (KEYS, NEW),
        "list 100 keys": (f"{KEYS}?limit=100", None),
        "list the 20 keys of a customer": (f"{KEYS}?tag=customer_id:customer-4711", None),
    }
    made = {}
    for what, (path, body) in asked.items():
        progress(what)
        made[what] = load(program, where.url + path, where.token, clients=32, seconds=seconds, body=body)
    return made


async def bulk(where: Running, owner_url: str, requests: int) -> tuple[float, float]:
    """Keys a second by bulk creation, and by COPY of the same rows."""
    owner = await asyncpg.connect(plain_url(owner_url))
    before = await owner.fetchval("SELECT coalesce(max(position), 0) FROM keyledger.event")
    async with where.client() as client:
        began = time.perf_counter()
        for _ in range(requests):
            answer = await client.post(f"{KEYS}/bulk-create", json={"items": [NEW] * BULK})
            assert answer.status_code == 201, answer.text
        ours = requests * BULK / (time.perf_counter() - began)
    of_key = "IN (SELECT substr(stream, 5) FROM keyledger.event WHERE position > $1)"
    which = {"event": "position > $1", "key_state": "created_position > $1", "credential": f"public_id {of_key}"}
    rows = {
        table: await owner.fetch(f"SELECT * FROM keyledger.{table} WHERE {which[table]}", before) for table in TABLES
    }
    for table in TABLES:
        await owner.execute(f"CREATE TABLE copy_of_{table} (LIKE keyledger.{table} INCLUDING ALL)")
    began = time.perf_counter()
    for start in range(0, requests * BULK, BULK):
        async with owner.transaction():
            for table, of_table in rows.items():
                some = [tuple(row) for row in of_table[start : start + BULK]]
                await owner.copy_records_to_table(f"copy_of_{table}", records=some)
    copied = requests * BULK / (time.perf_counter() - began)
    for table in TABLES:
        await owner.execute(f"DROP TABLE copy_of_{table}")
    await owner.close()
    return ours, copied


async def new_key(where: Running) -> str:
    """The text of one."""
    async with where.client() as client:
        made: dict[str, str] = (await client.post(KEYS, json=NEW)).json()
        return made["api_key"]


def rows_of(rounds: list[dict[str, Answered]], bulks: list[tuple[float, float]]) -> list[dict[str, object]]:
    """What is printed."""
    rows: list[dict[str, object]] = [
        {
            "what": what,
            "per second": median([one[what].a_second for one in rounds]),
            "p99 ms": median([one[what].p99_ms for one in rounds]),
            "ratio": median([one[what].a_second / one["constant"].a_second for one in rounds]),
            "to": "constant",
        }
        for what in rounds[0]
    ]
    ours, copied = (median([one[at] for one in bulks]) for at in (0, 1))
    rows.append({"what": "COPY of the rows of keys", "per second": copied, "p99 ms": None, "ratio": 1.0, "to": "COPY"})
    ratio = median([one / other for one, other in bulks])
    return [*rows, {"what": "bulk creation, keys", "per second": ours, "p99 ms": None, "ratio": ratio, "to": "COPY"}]


def main() -> None:
    """Run and print."""
    chosen = options(__doc__ or "", keys=1_000_000, rounds=3, seconds=5)
    with tempfile.TemporaryDirectory(prefix="keyledger-bench-") as folder:
        progress("the load generator")
        program = install(Path(folder) / "load")
        progress("the registry and its keys")
        data = Path(folder) / "data"
        with started(data, "bench.api_load.app", str(data), str(chosen.keys)) as (where, (owner_url,)):
            api_key = asyncio.run(new_key(where))
            rounds, bulks = [], []
            for number in range(chosen.rounds):
                progress(f"round {number + 1} of {chosen.rounds}")
                rounds.append(one_round(program, where, api_key, chosen.seconds))
                progress("bulk creation, and COPY")
                bulks.append(asyncio.run(bulk(where, owner_url, 10)))
    report(rows_of(rounds, bulks), as_json=chosen.json)


if __name__ == "__main__":
    main()
