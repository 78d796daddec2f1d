"""How the demo speaks, and how its gateway's rows are loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from rich.console import Console

from keyledger.cli.reach import operator
from keyledger.client import AsyncClient
from keyledger.client.calls import list_keys
from keyledger.demo.gateway_rows import GatewayRows
from keyledger.settings import Settings

console: Final = Console(highlight=False, soft_wrap=True)


async def head(portal: AsyncClient) -> int | None:
    """The position of the log now: a bill that waits for it holds all that was answered before."""
    return (await portal.answer(list_keys(limit=1))).position


def step(text: str) -> None:
    """Say what comes next."""
    console.print(f"\n[bold]▸ {text}[/bold]")


async def load(folder: Path, rows: GatewayRows, name: str) -> None:
    """Write rows into a folder of that name, and load them; the usage journal has them then."""
    files = folder / name
    files.mkdir()
    async with operator(folder, Settings.read()) as client:
        for table, file in rows.write(files).items():
            if not rows.tables[table]:
                continue
            answer = await client.post("/operator/load", json={"table": table, "files": [str(file)]})
            console.print(f"    {table}: {answer.json()['rows']} rows")
