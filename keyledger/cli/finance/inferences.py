"""keyledger inferences: the inferences behind a line of a bill."""

from __future__ import annotations

import json as json_lines
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

import httpx
import typer

from keyledger.cli.client import AsJson, Data, call, checked, given
from keyledger.cli.finance.charges import charges_of
from keyledger.cli.finance.period import Month, Since, Until, period
from keyledger.cli.printing.output import say
from keyledger.cli.printing.tables import print_table

_PAGE: Final = 1000
_NUMBERS: Final = (
    "input_tokens",
    "output_tokens",
    "cached_input_tokens",
    "cached_output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cost_usd",
    "unpriced",
    "charges",
    "unrated",
)


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
    known_at: Annotated[int | None, typer.Option(min=0, help="As known at this position of the log.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="name:value; repeat: all must hold.")] = None,
    time_zone: Annotated[str | None, typer.Option(help="IANA name for hour, day and month; UTC by default.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many; all by default.")] = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """List the inferences behind a line of a bill, oldest first. With --json one object a line, as pages come."""
    since, until = period(since, until, month, time_zone)
    rows: list[dict[str, Any]] = []

    async def ask(client: httpx.AsyncClient) -> None:
        # What was acknowledged before this command is in the answer.
        wait_for = None if known_at is not None else checked(await client.get("/operator/status"))["head"]
        question = given(
            group_by=group_by, since=since, until=until, known_at=known_at, tag=tag, time_zone=time_zone,
            by=by, bucket=bucket, wait_for=wait_for,
        )  # fmt: skip
        async for one in _all(client, question, limit):
            if json:
                say(json_lines.dumps(one, ensure_ascii=False))
            else:
                rows.append(one)

    call(data, ask, quiet=json)
    if not json:
        names = list(rows[0]["by"]) if rows else []
        columns = [*("inference_id", "at", "public_id", "models"), *names, *_NUMBERS]
        print_table(columns, [_cells(one) for one in rows], title="Inferences", right=_NUMBERS)


async def _all(client: httpx.AsyncClient, question: dict[str, Any], limit: int | None) -> AsyncIterator[dict[str, Any]]:
    """The inferences of all pages, up to a limit."""
    left, cursor = limit, None
    while True:
        size = _PAGE if left is None else min(left, _PAGE)
        page = checked(await client.get("/billing/inferences", params={**question, **given(limit=size, cursor=cursor)}))
        for one in page["items"]:
            yield one
        left = None if left is None else left - len(page["items"])
        cursor = page["next_cursor"]
        if cursor is None or left == 0:
            return


def _cells(one: dict[str, Any]) -> list[Any]:
    numbers = [charges_of(one[name]) if name == "charges" else one[name] for name in _NUMBERS]
    return [one["inference_id"], one["at"], one["public_id"], ", ".join(one["models"]), *one["by"].values(), *numbers]
