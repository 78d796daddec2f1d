"""A writing process of the race: reads a database's URL from stdin, says that it is ready, waits for a line, appends,
and prints the positions answered as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys

from registry.log.append.limits import Limits
from registry.log.postgres import open_log
from tests.support.contracts.writes import note
from tests.support.servers.databases import Database

TASKS = 32
TURNS = 15


async def race(url: str, name: str) -> list[int]:
    """Append from many tasks at once, in batches too small for all of them."""
    async with Database(url, url).engine() as engine:
        log = await open_log(engine, Limits(max_batch=8))

        async def writer(number: int) -> list[int]:
            return [
                (await log.write(note(f"s{number % 4}", f"{name}-{number}-{turn}"))).position for turn in range(TURNS)
            ]

        print("ready", flush=True)  # noqa: T201 - for the test that started it
        sys.stdin.readline()
        answers = await asyncio.gather(*(writer(number) for number in range(TASKS)))
        await log.close()
    return [position for positions in answers for position in positions]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(race(sys.stdin.readline().strip(), sys.argv[1]))))
