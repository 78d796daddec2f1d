"""keyledger inferences: the inferences behind a line of a bill."""

from __future__ import annotations

import json as json_lines
from typing import Annotated, Any, Final

import httpx
import typer

from keyledger.cli.client import AsJson, Data, ask_items, call
from keyledger.cli.finance.period import Month, Since, Until, period
from keyledger.cli.finance.question import FIGURES, KnownAt, OfKey, Tags, UsageKnownAt, Zone, acknowledged, cells_of
from keyledger.cli.printing.output import say
from keyledger.cli.printing.tables import print_table
from keyledger.client.calls import list_billed_inferences, show_bill

_FIRST: Final = ("inference_id", "at", "public_id", "tags", "models", "prices")


def register(app: typer.Typer) -> None:
    """Put the command on the app."""
    app.command(epilog="Example: keyledger inferences --by customer_id:acme --month 2026-03 --time-zone Europe/Berlin")(
        inferences
    )


def inferences(
    since: Since = None,
    until: Until = None,
    month: Month = None,
    by: Annotated[
        list[str] | None, typer.Option(help="name:value as the line has it; a name alone for its null; repeat.")
    ] = None,
    bucket: Annotated[str, typer.Option(help="A bucket of the coverage.")] = "keyed",
    group_by: Annotated[list[str] | None, typer.Option(help="As of the bill; the names of --by by default.")] = None,
    known_at: KnownAt = None,
    usage_known_at: UsageKnownAt = None,
    tag: Tags = None,
    key: OfKey = None,
    time_zone: Zone = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many; all by default.")] = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """List the inferences behind a line of a bill, oldest first. With --json one object a line, as pages come."""
    since, until = period(since, until, month, time_zone)
    rows: list[dict[str, Any]] = []

    async def found(client: httpx.AsyncClient) -> None:
        bill = show_bill(
            group_by=group_by or (), since=since, until=until, known_at=known_at, usage_known_at=usage_known_at,
            tag=tag or (), key=key, time_zone=time_zone, wait_for=await acknowledged(client, known_at),
        )  # fmt: skip
        async for one in ask_items(client, list_billed_inferences(bill, by=by or (), bucket=bucket), limit):
            if json:
                say(json_lines.dumps(one, ensure_ascii=False))
            else:
                rows.append(one)

    call(data, found, quiet=json)
    if not json:
        names = list(rows[0]["by"]) if rows else []
        columns = [*_FIRST, *names, *FIGURES]
        print_table(columns, [_cells(one) for one in rows], title="Inferences", right=FIGURES)


def _cells(one: dict[str, Any]) -> list[Any]:
    tags = ", ".join(f"{name}:{value}" for name, value in one["tags"].items())
    prices = ", ".join(price["price_id"] for price in one["prices"])
    first = [one["inference_id"], one["at"], one["public_id"], tags, ", ".join(one["models"]), prices]
    return [*first, *one["by"].values(), *cells_of(one, FIGURES)]
