"""keyledger accept-clock: the way out for a log whose last event is dated after the clock."""

from __future__ import annotations

from typing import Annotated

import typer

from keyledger.cli.client import AsJson, Data, request
from keyledger.cli.printing.output import print_json, say


def register(app: typer.Typer) -> None:
    """Put the command on the app."""
    app.command(epilog='Example: keyledger accept-clock --reason "the host was set to 2027 for an hour"')(accept_clock)


def accept_clock(
    reason: Annotated[str, typer.Option(help="Why: it is recorded in the log, for auditors.")],
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Record changes again although the last event is dated after the database's clock, which is right.

    They are recorded right after that event, a microsecond apart, and count by the clock.
    """
    event = request(data, "POST", "/operator/clock/accept", json={"reason": reason})
    if json:
        print_json(event)
        return
    data_of = event["data"]
    say(f"recorded at position {event['position']}: events follow {data_of['last_recorded_at']} and count by the clock")
