"""Keys of a gateway under this log, a second: the first import, and the second, which appends nothing.

    python -m bench.import_keys [--keys 100000] [--rounds 3] [--json]

As ratios in one run to a COPY of the same pages into a plain table with a primary key. Steps are taken in turn, each in
a process of its own. Each figure is the median of its rounds, each ratio the median of the rounds' ratios, each peak of
memory the greatest of the rounds'. Then once more with a fifth of the keys: but for the mapping, which is held whole,
memory must not grow with them.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from bench.common import Server, fresh_registry, median, options, progress, report, server
from bench.importing.made_keys import fill, write_mapping
from bench.importing.steps import Asked

STEPS = {
    "copy": "COPY of the rows, nothing else",
    "import": "import",
    "again": "import again, all known",
    "unmapped": "import without a mapping",
}
Figures = dict[str, dict[str, float]]


def step(name: str, asked: Asked) -> dict[str, float]:
    """Run one step as a process: its rate and its peak of memory."""
    command = [sys.executable, "-m", "bench.importing.steps", name, msgspec.json.encode(asked).decode()]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    figures: dict[str, float] = json.loads(told)
    return figures


def one_round(where: Server, keys: int, folder: Path) -> Figures:
    """Every step, in turn, on registries of their own but for the import that comes again."""
    tags, header = folder / f"{keys}.csv", folder / "none.csv"
    asyncio.run(fill(where.owner_url, keys))
    write_mapping(tags, keys)
    write_mapping(header, 0)
    told: Figures = {}
    url = where.app_url
    for name, what in STEPS.items():
        progress(what)
        if name in {"import", "unmapped"}:
            _, url = asyncio.run(fresh_registry(where))
        told[name] = step(name, Asked(url, where.owner_url, str(header if name == "unmapped" else tags)))
        assert told[name]["keys"] == keys
    return told


def rows(rounds: list[Figures], fewer: Figures) -> list[dict[str, object]]:
    """What is printed."""
    return [
        {
            "what": what,
            "keys per second": median([one[name]["rate"] for one in rounds]),
            "to COPY": median([one[name]["rate"] / one["copy"]["rate"] for one in rounds]),
            "peak MB": max(one[name]["peak_mb"] for one in rounds),
            "peak MB of a fifth": fewer[name]["peak_mb"],
        }
        for name, what in STEPS.items()
    ]


def main() -> None:
    """Run and print."""
    chosen: Any = options(__doc__ or "", keys=100_000, rounds=3)
    with server() as where, tempfile.TemporaryDirectory() as folder:
        rounds = []
        for number in range(chosen.rounds):
            progress(f"round {number + 1} of {chosen.rounds}")
            rounds.append(one_round(where, chosen.keys, Path(folder)))
        progress("once more, with a fifth")
        fewer = one_round(where, chosen.keys // 5, Path(folder))
    report(rows(rounds, fewer), as_json=chosen.json)


if __name__ == "__main__":
    main()
