"""The lock that orders the log holds between processes: what the reader of a tail stands on."""

from __future__ import annotations

import asyncio
import json
import sys
from itertools import pairwise
from pathlib import Path

from registry.log.postgres import PostgresEventLog
from tests.support.contracts.racer import TASKS, TURNS
from tests.support.contracts.writes import assert_whole, read_all, tail
from tests.support.servers.databases import Database

TOTAL = 2 * TASKS * TURNS


async def test_two_racing_processes_lose_double_and_skip_nothing_while_a_reader_follows(
    database: Database, postgres_log: PostgresEventLog
) -> None:
    reading = asyncio.create_task(tail(postgres_log, TOTAL))
    racers = [await start_racer(database, name) for name in ("one", "two")]
    answers = await asyncio.gather(*(finish(racer) for racer in racers))
    seen = await reading
    assert sorted(answers[0] + answers[1]) == list(range(1, TOTAL + 1))
    assert len({event.payload for event in seen}) == TOTAL
    assert seen == await read_all(postgres_log, 500)
    assert_whole(seen, postgres_log.genesis_hash)
    names = [event.payload[16:19] for event in seen]
    assert sum(one != other for one, other in pairwise(names)) > 2, "they did race"


async def start_racer(database: Database, name: str) -> asyncio.subprocess.Process:
    """A writing process that waits to be let off."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.contracts.racer",
        name,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(database.app_url.encode() + b"\n")
    assert await process.stdout.readline() == b"ready\n"
    return process


async def finish(process: asyncio.subprocess.Process) -> list[int]:
    """Let it off; the positions that it was answered."""
    out, _ = await process.communicate(b"go\n")
    assert process.returncode == 0
    positions: list[int] = json.loads(out)
    return positions
