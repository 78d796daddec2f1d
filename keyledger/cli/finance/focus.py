"""keyledger focus: a period in the columns of FOCUS."""

from __future__ import annotations

import httpx
import typer

from keyledger.cli.client import CommandFailed, Data, call, given, problem_of
from keyledger.cli.finance.period import Month, Since, Until, period
from keyledger.cli.finance.question import KnownAt, UsageKnownAt, acknowledged
from keyledger.cli.printing.output import print_raw


def register(app: typer.Typer) -> None:
    """Put the command on the app."""
    app.command(epilog="Example: keyledger focus --month 2026-03 > focus.csv")(focus)


def focus(
    since: Since = None,
    until: Until = None,
    month: Month = None,
    known_at: KnownAt = None,
    usage_known_at: UsageKnownAt = None,
    data: Data = None,
) -> None:
    """Export a period as CSV in the columns of FOCUS 1.4. Days and months are of UTC."""
    since, until = period(since, until, month, None)

    async def ask(client: httpx.AsyncClient) -> httpx.Response:
        wait_for = await acknowledged(client, known_at)
        query = given(since=since, until=until, known_at=known_at, usage_known_at=usage_known_at, wait_for=wait_for)
        return await client.get("/billing/focus", params=query)

    response = call(data, ask)
    if not response.is_success:
        raise CommandFailed(problem_of(response))
    print_raw(response.content)
