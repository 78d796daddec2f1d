"""The parts of ClickHouse's tables as folders, to be damaged while nobody has them open."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from random import Random

from tests.support.processes.registry_process import RegistryProcess

_TABLES = """
SELECT data_paths[1] AS path
FROM system.tables
WHERE database = '{}' AND name NOT LIKE 'loading%' AND total_rows > 0
ORDER BY name
"""
_PART = re.compile(r"(.+?)_(\d+)_(\d+)_(\d+)")
# What a part's folder always has, the rows first: they are what is damaged as a rule.
_FILES = ("data.bin", "data.bin", "data.bin", "data.cmrk3", "count.txt", "columns.txt", "checksums.txt", "primary.cidx")


async def tables(process: RegistryProcess, database: str) -> list[Path]:
    """The folders of a database's tables that have rows, asked of a running registry."""
    return [Path(row["path"]) for row in await process.json("sql", _TABLES.format(database))]


def cut(table: Path, rng: Random) -> str:
    """Cut off the end of a file of a table's active part, which is then left without those that it was merged from."""
    parts = {one: _blocks(one.name) for one in table.iterdir() if _PART.fullmatch(one.name)}
    active = [one for one in parts if not any(_covers(parts[other], parts[one]) for other in parts)]
    part = rng.choice(sorted(active))
    for one, blocks in parts.items():
        if _covers(parts[part], blocks):
            shutil.rmtree(one)
    file = rng.choice([part / name for name in _FILES if (part / name).exists()])
    size = file.stat().st_size
    with file.open("r+b") as opened:
        opened.truncate(rng.randrange(size))
    return f"{'/'.join(file.parts[-3:])} of {size} bytes"


def _blocks(name: str) -> tuple[str, int, int, int]:
    found = _PART.fullmatch(name)
    assert found is not None
    return found[1], int(found[2]), int(found[3]), int(found[4])


def _covers(merged: tuple[str, int, int, int], part: tuple[str, int, int, int]) -> bool:
    return (
        merged != part and merged[0] == part[0] and merged[1] <= part[1] <= part[2] <= merged[2] and merged[3] > part[3]
    )
