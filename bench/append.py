"""Appends per second, as ratios in one run to pgbench's single-row INSERT without a lock, and to `eventsourcing`.

The reference table is the log's own, but for its (stream, version) rule, which random rows could not keep; its rows
have the same bytes, a sequence numbers them, nothing orders them: readers of it could skip rows. Rounds are taken in
turn; each figure is the median of its rounds, each ratio the median of the rounds' ratios.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path
from uuid import uuid4

from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore

from bench.common import Server, append_events, median, opened_log, options, progress, report, server, timed
from keyledger.embedded.postgresql.account import service_account
from keyledger.embedded.postgresql.binaries import programs_for
from registry.log.event_log import Caller
from registry.service import KeyService, NewKey

PGBENCH_SECONDS = 3
REFERENCE_TABLE = """
CREATE TABLE reference_event (LIKE keyledger.event INCLUDING ALL);
ALTER TABLE reference_event DROP CONSTRAINT reference_event_stream_version_key;
CREATE INDEX ON reference_event (stream, version);
CREATE SEQUENCE reference_position;
"""
REFERENCE_INSERT = r"""
\set client random(1, 1000000)
INSERT INTO reference_event VALUES (
    nextval('reference_position'), 'bench-' || :client, 1, 'TagsChanged', 1, clock_timestamp(), clock_timestamp(),
    'token-abcdefghijkl', NULL, '00000000000000000000000000000000', NULL,
    '{"remove":[],"set":{"billing_tier":"gold","customer_id":"customer-10"}}'::bytea,
    '\x000102030405060708090a0b0c0d0e0f'::bytea,
    '\x000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f'::bytea,
    '\x000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f'::bytea
);
"""


def pgbench(where: Server, clients: int) -> float:
    """Single-row INSERTs per second by pgbench."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "insert.sql"
        script.write_text(REFERENCE_INSERT)
        out = _run(
            where, "pgbench", "-n", "-M", "prepared", "-f", str(script), "-c", str(clients), "-j", "2",
            "-T", str(PGBENCH_SECONDS), where.database,
        )  # fmt: skip
    found = re.search(r"tps = ([\d.]+)", out)
    assert found is not None, out
    return float(found[1])


def ours(where: Server, clients: int, count: int) -> float:
    """Appends per second through the port, by concurrent clients of one process."""

    async def run() -> float:
        async with opened_log(where.app_url) as log:
            await append_events(log, clients * 2, clients)
            return count / await timed(lambda: append_events(log, count, clients))

    return asyncio.run(run())


def created(where: Server, clients: int, count: int) -> float:
    """Keys created per second: the command, its event, the current state and the credential's hash."""

    async def run() -> float:
        async with opened_log(where.app_url) as log:

            async def nobody(_any_id: str) -> None:
                return None

            keys = KeyService(log, nobody)

            async def client() -> None:
                for _ in range(count // clients):
                    await keys.create(NewKey({"customer_id": "acme", "billing_tier": "gold"}), Caller("operator"))

            return count / await timed(lambda: asyncio.gather(*(client() for _ in range(clients))))

    return asyncio.run(run())


def library(where: Server, count: int) -> float:
    """Appends per second by one client of the `eventsourcing` library."""
    store = PostgresDatastore(where.database, where.host, where.port, where.user, where.password)
    recorder = PostgresApplicationRecorder(store, events_table_name=f"library_{uuid4().hex[:8]}")
    recorder.create_table()
    payload = b'{"remove":[],"set":{"billing_tier":"gold","customer_id":"customer-10"}}'
    stream = uuid4()
    began = time.perf_counter()
    for version in range(count):
        recorder.insert_events([StoredEvent(stream, version, "TagsChanged", payload)])
    seconds = time.perf_counter() - began
    store.close()
    return count / seconds


def main() -> None:
    """Run and print."""
    chosen = options(__doc__ or "", rounds=5)
    rates: dict[str, list[float]] = {}
    with server() as where:
        _run(where, "psql", "-q", "-c", REFERENCE_TABLE, where.database)
        for number in range(chosen.rounds):
            progress(f"round {number + 1} of {chosen.rounds}")
            for name, rate in (
                ("pgbench 1", pgbench(where, 1)),
                ("append 1", ours(where, 1, 2_000)),
                ("eventsourcing 1", library(where, 1_000)),
                ("pgbench 32", pgbench(where, 32)),
                ("append 32", ours(where, 32, 32_000)),
                ("append 256", ours(where, 256, 64_000)),
                ("create key 32", created(where, 32, 8_000)),
            ):
                rates.setdefault(name, []).append(rate)
    references = {"append 1": "pgbench 1", "eventsourcing 1": "pgbench 1"}
    rows: list[dict[str, object]] = []
    for name, values in rates.items():
        reference = name if name.startswith("pgbench") else references.get(name, "pgbench 32")
        ratios = [one / other for one, other in zip(values, rates[reference], strict=True)]
        rows.append({"what": name, "per second": median(values), "ratio": median(ratios), "to": reference})
    report(rows, as_json=chosen.json)


def _run(where: Server, program: str, *arguments: str) -> str:
    path = programs_for(service_account()) / program
    command = [str(path), "-h", where.host, "-p", str(where.port), "-U", where.user, *arguments]
    done = subprocess.run(
        command, env={**os.environ, "PGPASSWORD": where.password}, check=True, capture_output=True, text=True
    )
    return done.stdout


if __name__ == "__main__":
    main()
