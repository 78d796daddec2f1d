"""--dry-run-bill: what an edit would do to bills, before it is made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from keyledger.cli.client import CommandFailed, send
from keyledger.cli.finance.compare import print_lines
from keyledger.cli.printing.output import print_json, say
from keyledger.client import Call
from keyledger.client.calls import what_if

DryRunBill = Annotated[
    bool, typer.Option("--dry-run-bill", help="Change nothing: say what it would do to the bills since then.")
]
GroupBy = Annotated[
    list[str] | None,
    typer.Option(
        help="With --dry-run-bill: as of the bill; by default customer_id, else the tags in question; repeat."
    ),
]
_BY_HAND: Final = ("type", "effective_at")


def dry_run(data: Path | None, change: Call[Any], group_by: list[str] | None, *, json: bool) -> None:
    """Ask what the change would do, and print it."""
    made = send(data, what_if(change, group_by=group_by or ()))
    print_json(made) if json else _print(made)


def refuse_group_by(group_by: list[str] | None) -> None:
    """Raise CommandFailed where names are given without --dry-run-bill."""
    if group_by:
        raise CommandFailed("--group-by goes with --dry-run-bill", 2)


def _print(made: dict[str, Any]) -> None:
    say(f"period {made['since']} to {made['until']}, position {made['position']}: nothing was changed")
    for event in made["events"]:
        say("would append " + " as of ".join(event[name] for name in _BY_HAND))
    if not made["events"]:
        say("would append nothing: it is so already")
    by, lines, late_lines = made["group_by"], made["lines"], made["late_lines"]
    if lines:
        print_lines(by, lines, made["total"], title="Bill as it is → as it would be")
    if late_lines:
        print_lines(by, late_lines, None, title="Outside the key's life (not in the total), as it is → as it would be")
    if not lines and not late_lines:
        say("no line of a bill would change")
