"""keyledger focus: a period in the columns of FOCUS."""

from __future__ import annotations

from typing import Annotated

import httpx
import typer

from keyledger.cli.client import CommandFailed, Data, call, checked, given, problem_of
from keyledger.cli.finance.period import Month, Since, Until, period
from keyledger.cli.printing.output import print_raw


def register(app: typer.Typer) -> None:
    """Put the command on the app."""
    app.command(epilog="Example: keyledger focus --month 2026-03 > focus.csv")(focus)


def focus(
    since: Since = None,
    until: Until = None,
    month: Month = None,
    known_at: Annotated[int | None, typer.Option(min=0, help="As known at this position of the log.")] = None,
    data: Data = None,
) -> None:
    """Export a period as CSV in the columns of FOCUS 1.4. Days and months are of UTC."""
    since, until = period(since, until, month, None)

    async def ask(client: httpx.AsyncClient) -> httpx.Response:
        # What was acknowledged before this command is in the export.
        wait_for = None if known_at is not None else checked(await client.get("/operator/status"))["head"]
        query = given(since=since, until=until, known_at=known_at, wait_for=wait_for)
        return await client.get("/billing/focus", params=query)

    response = call(data, ask)
    if not response.is_success:
        raise CommandFailed(problem_of(response))
    print_raw(response.content)
