"""keyledger sql: straight into the registry's ClickHouse."""

from __future__ import annotations

from typing import Annotated

import httpx
import typer

from keyledger.cli.client import AsJson, CommandFailed, Data, call, checked
from keyledger.cli.printing.output import print_json, print_raw
from keyledger.cli.printing.tables import print_table


def register(app: typer.Typer) -> None:
    """Put the command on the app."""
    app.command(epilog='Example: keyledger sql "SELECT count() FROM tensorzero.ModelInference"')(sql)


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
