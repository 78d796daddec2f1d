"""keyledger load, sql: straight into the registry's ClickHouse."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from keyledger.cli.client import AsJson, CommandFailed, Data, call, checked
from keyledger.cli.output import counting, print_json, print_raw, say
from keyledger.cli.tables import print_table


def register(app: typer.Typer) -> None:
    """Put the commands on the app."""
    app.command(epilog="Example: keyledger load ModelInference rows-1.jsonl rows-2.parquet")(load)
    app.command(epilog='Example: keyledger sql "SELECT count() FROM tensorzero.ModelInference"')(sql)


def load(
    table: Annotated[str, typer.Argument(help="ChatInference, JsonInference, ModelInference or BatchIdByInferenceId.")],
    files: Annotated[list[Path], typer.Argument(help=".jsonl, .csv or .parquet", exists=True, dir_okay=False)],
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Load gateway rows into the embedded engine. A file is loaded whole or not at all; loading it twice bills once."""
    loaded: list[dict[str, Any]] = []

    async def run(client: httpx.AsyncClient) -> None:
        body = {"table": table, "files": [str(file.resolve()) for file in files]}
        with counting() as progress:
            task = progress.add_task(f"loading {table}", total=len(files))
            async with client.stream("POST", "/operator/load", json=body) as response:
                if not response.is_success:
                    await response.aread()
                    checked(response)
                async for line in response.aiter_lines():
                    loaded.append(jsonlib.loads(line))
                    progress.advance(task)

    call(data, run, quiet=True)
    if json:
        print_json(loaded)
    for one in loaded:
        if "error" in one:
            raise CommandFailed(f"{one['file']}: {one['error']}")
        if not json:
            say(f"{table}: {one['rows']} rows from {one['file']}")


def sql(
    statement: Annotated[str, typer.Argument(help="One ClickHouse statement.")],
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Run ClickHouse SQL with all the rights of the registry's own process: it can read and write files.

    The result of a statement that names a FORMAT, such as CSV or Parquet, is printed as the engine writes it.
    """

    async def ask(client: httpx.AsyncClient) -> httpx.Response:
        return await client.post("/operator/sql", json={"sql": statement})

    response = call(data, ask)
    if response.headers["content-type"] == "application/octet-stream":
        if json:
            raise CommandFailed("the statement names its own FORMAT: leave --json or the FORMAT away", 2)
        print_raw(response.content)
        return
    answer = checked(response)
    if json:
        print_json([dict(zip(answer["columns"], row, strict=True)) for row in answer["rows"]])
        return
    print_table(answer["columns"], answer["rows"])
