"""keyledger focus: a period in the columns of FOCUS."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import httpx
import typer

from keyledger.cli.client import CommandFailed, Data, call, given, problem_of
from keyledger.cli.finance.period import Month, Since, Until, period
from keyledger.cli.finance.question import KnownAt, UsageKnownAt, acknowledged
from keyledger.cli.printing.output import print_raw, say

_CSV: Final = {"Accept": "text/csv"}
_PARQUET: Final = {"Accept": "application/vnd.apache.parquet"}


def register(app: typer.Typer) -> None:
    """Put the command on the app."""
    app.command(epilog="Example: keyledger focus --month 2026-03 > focus.csv")(focus)


def focus(
    since: Since = None,
    until: Until = None,
    month: Month = None,
    known_at: KnownAt = None,
    usage_known_at: UsageKnownAt = None,
    corrects_known_at: Annotated[
        int | None, typer.Option(min=0, help="Only what corrects the export of this position of the log.")
    ] = None,
    corrects_usage_known_at: Annotated[
        int | None, typer.Option(min=0, help="With it: the position up to which the usage of that export was anchored.")
    ] = None,
    parquet: Annotated[Path | None, typer.Option(help="Write Parquet into this file, not CSV to stdout.")] = None,
    data: Data = None,
) -> None:
    """Export a period in the columns of FOCUS 1.4. Days and months are of UTC."""
    since, until = period(since, until, month, None)

    async def ask(client: httpx.AsyncClient) -> httpx.Response:
        wait_for = await acknowledged(client, known_at)
        query = given(
            since=since,
            until=until,
            known_at=known_at,
            usage_known_at=usage_known_at,
            corrects_known_at=corrects_known_at,
            corrects_usage_known_at=corrects_usage_known_at,
            wait_for=wait_for,
        )
        return await client.get("/billing/focus", params=query, headers=_CSV if parquet is None else _PARQUET)

    response = call(data, ask)
    if not response.is_success:
        raise CommandFailed(problem_of(response))
    if parquet is None:
        print_raw(response.content)
    else:
        _write(parquet, response.content)


def _write(file: Path, content: bytes) -> None:
    try:
        file.write_bytes(content)
    except OSError as error:
        raise CommandFailed(f"{file}: {error.strerror}") from error
    say(f"{file} is written")
