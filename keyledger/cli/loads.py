"""keyledger load, loads, unload: files of a gateway's rows into the embedded engine, and out of it again."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from keyledger.cli.client import AsJson, CommandFailed, Data, call, checked, request
from keyledger.cli.printing.output import complain, counting, print_json, say
from keyledger.cli.printing.tables import print_table


def register(app: typer.Typer) -> None:
    """Put the commands on the app."""
    app.command(epilog="Example: keyledger load ModelInference rows-1.jsonl rows-2.parquet --batch march")(load)
    app.command(epilog="Example: keyledger loads")(loads)
    app.command(epilog="Example: keyledger unload march")(unload)


def load(
    table: Annotated[str, typer.Argument(help="ChatInference, JsonInference, ModelInference or BatchIdByInferenceId.")],
    files: Annotated[list[Path], typer.Argument(help=".jsonl, .csv or .parquet", exists=True, dir_okay=False)],
    batch: Annotated[
        str | None, typer.Option(help="What `unload` takes back; a made-up name if none is given.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what the files have.")] = False,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Load gateway rows into the embedded engine. A file is loaded whole or not at all; loading it twice bills once."""
    loaded: list[dict[str, Any]] = []

    async def run(client: httpx.AsyncClient) -> None:
        body = {"table": table, "files": [str(file.resolve()) for file in files], "batch": batch, "dry_run": dry_run}
        with counting() as progress:
            task = progress.add_task(f"{'reading' if dry_run else 'loading'} {table}", total=len(files))
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
            say(_tried(table, one) if dry_run else _loaded(table, one))
        if "uncollected" in one:
            complain(one["uncollected"])


def loads(data: Data = None, json: AsJson = False) -> None:
    """List the batches that are loaded, and their files."""
    items = request(data, "GET", "/operator/loads")["items"]
    if json:
        print_json(items)
        return
    columns = ("batch", "loaded_at", "table", "rows", "new_rows", "file")
    print_table(columns, [[one[name] for name in columns] for one in items], right=("rows", "new_rows"))


def unload(
    batch: Annotated[str, typer.Argument(help="A batch that `keyledger loads` lists.")],
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Take a batch back. Rows that another batch brought too, or that were there before, stay."""
    answer = request(data, "POST", "/operator/unload", json={"batch": batch})
    if json:
        print_json(answer)
        return
    left = ", ".join(f"{count} rows of {table}" for table, count in answer["rows"].items())
    say(f"{batch} is taken back: {left or 'no row'} left")


def _loaded(table: str, one: dict[str, Any]) -> str:
    return f"{table}: {one['rows']} rows from {one['file']}, {one['new']} of them new, in the batch {one['batch']}"


def _tried(table: str, one: dict[str, Any]) -> str:
    counts = f"{one['rows']} rows, {one['new']} of them new"
    differing = f" ({one['differing']} differ from a row of the same id)" if one["differing"] else ""
    period = f"{one['since']} to {one['until']}" if one["since"] else "no instant"
    timeless = f", and {one['without_time']} ids without a time" if one["without_time"] else ""
    return f"{table}: {one['file']}: {counts}{differing}; {period}{timeless}; columns {', '.join(one['columns'])}"
