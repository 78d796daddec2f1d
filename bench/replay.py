"""The whole log read again: fold, chain check, rebuild of the ledger, export and import, as ratios in one run.

    python -m bench.replay [--events 1000000] [--keys 20000] [--library-events 50000] [--rounds 3] [--json]

To PostgreSQL's own binary COPY of the same rows to a client that throws them away, and to the `eventsourcing` library's
select of all events with decoding. Steps are taken in turn, each in a process of its own. Each figure is the median of
its rounds, each ratio the median of the rounds' ratios, each peak of memory the greatest of the rounds'. Then once more
up to a fifth of the log: what a step needs must not grow with it.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
from sqlalchemy.engine import make_url

from bench.common import Server, median, options, progress, report, server
from bench.replaying.library import Library
from bench.replaying.made_log import fill, plain
from bench.replaying.steps import Asked
from registry.db.migrate import migrate

STEPS = {
    "copy": "COPY",
    "fold": "read, decode, fold",
    "check": "read, check the chain",
    "rebuild": "rebuild into ClickHouse",
    "export": "export",
    "import": "import",
    "library": "eventsourcing select and decode",
}
REFERENCES = ("copy", "library")
RESTORED = "restored"
Figures = dict[str, dict[str, float]]


def step(name: str, asked: Asked) -> dict[str, float]:
    """Run one step as a process: its rate and its peak of memory."""
    command = [sys.executable, "-m", "bench.replaying.steps", name, msgspec.json.encode(asked).decode()]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    figures: dict[str, float] = json.loads(told)
    return figures


async def fresh_registry(where: Server) -> str:
    """An empty registry on the same server; the last one is dropped."""
    connection = await asyncpg.connect(plain(where.owner_url))
    await connection.execute(f"DROP DATABASE IF EXISTS {RESTORED} WITH (FORCE)")
    await connection.execute(f"CREATE DATABASE {RESTORED}")
    await connection.close()
    url = make_url(where.owner_url).set(database=RESTORED).render_as_string(hide_password=False)
    await migrate(url)
    return url


def one_round(where: Server, events: int, library_events: int, folder: Path) -> Figures:
    """Every step up to position `events`, in turn."""
    archive = folder / "archive"
    shutil.rmtree(archive, ignore_errors=True)
    told: Figures = {}
    for name, what in STEPS.items():
        progress(what)
        asked = Asked(where.app_url, events, str(archive))
        if name == "import":
            asked = Asked(asyncio.run(fresh_registry(where)), events, str(archive))
        if name == "library":
            asked = Asked(where.owner_url, library_events)
        told[name] = step(name, asked)
    return told


def rows(rounds: list[Figures], shorter: Figures) -> list[dict[str, object]]:
    """What is printed."""
    made = []
    for name, what in STEPS.items():
        row: dict[str, object] = {"what": what, "events per second": median([one[name]["rate"] for one in rounds])}
        for reference in REFERENCES:
            ratios = [one[name]["rate"] / one[reference]["rate"] for one in rounds]
            row[f"to {STEPS[reference]}"] = median(ratios)
        row["peak MB"] = max(one[name]["peak_mb"] for one in rounds)
        row["peak MB of a fifth"] = shorter[name]["peak_mb"]
        made.append(row)
    return made


def main() -> None:
    """Run and print."""
    chosen: Any = options(__doc__ or "", events=1_000_000, keys=20_000, library_events=50_000, rounds=3)
    rounds: list[Figures] = []
    events = chosen.events // chosen.keys * chosen.keys
    with server() as where, tempfile.TemporaryDirectory() as folder:
        progress(f"making {events} events")
        asyncio.run(fill(where, events, chosen.keys))
        library = Library(where.owner_url)
        library.fill(chosen.library_events)
        library.close()
        for number in range(chosen.rounds):
            progress(f"round {number + 1} of {chosen.rounds}")
            rounds.append(one_round(where, events, chosen.library_events, Path(folder)))
        progress("once more, up to a fifth")
        shorter = one_round(where, events // 5, chosen.library_events, Path(folder))
    report(rows(rounds, shorter), as_json=chosen.json)


if __name__ == "__main__":
    main()
