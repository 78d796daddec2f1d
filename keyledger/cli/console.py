"""keyledger console: an address that logs in to the console once."""

from __future__ import annotations

from typing import Annotated

import typer

from keyledger.cli.client import AsJson, CommandFailed, Data, request
from keyledger.cli.printing.output import print_json, say


def register(app: typer.Typer) -> None:
    """Put the command on the app."""
    app.command("console", epilog="Example: keyledger console --at https://keyledger.example")(console)


def console(
    at: Annotated[
        str | None,
        typer.Option(help="Where browsers reach Keyledger; else KEYLEDGER_CONSOLE_URL, or where `up` listens."),
    ] = None,
    end_sessions: Annotated[
        bool, typer.Option("--end-sessions", help="Log everybody out instead, in every browser.")
    ] = False,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Print an address of the console that logs you in as the operator: once, within ten minutes."""
    if end_sessions:
        ended = request(data, "DELETE", "/operator/console-sessions")
        print_json(ended) if json else say(f"sessions that were ended: {ended['ended']}")
        return
    offered = request(data, "POST", "/operator/console-logins")
    origin = at or offered["origin"]
    if origin is None:
        raise CommandFailed(
            "name where browsers reach Keyledger: --at https://keyledger.example, or KEYLEDGER_CONSOLE_URL", 2
        )
    address = f"{origin.rstrip('/')}{offered['path']}"
    print_json({"address": address}) if json else say(address)
