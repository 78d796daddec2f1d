"""keyledger audit replay: rebuild the ledger next to the live one, compare the two, and switch."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from keyledger.cli.client import AsJson, CommandFailed, Data, given, request
from keyledger.cli.printing.output import print_json, say
from keyledger.cli.printing.streaming import follow

_SHOWN = 100


def register(app: typer.Typer) -> None:
    """Put the command on the app of `audit`."""
    app.command(epilog="Example: keyledger audit replay --into ledger_again --switch")(replay)


def replay(
    into: Annotated[str | None, typer.Option(metavar="TARGET", help="The database to make the ledger in.")] = None,
    until: Annotated[int | None, typer.Option(min=0, help="Up to this position; the head by default.")] = None,
    switch: Annotated[
        bool, typer.Option("--switch", help="Put it in the live one's place; TARGET keeps that.")
    ] = False,
    drop: Annotated[str | None, typer.Option(metavar="TARGET", help="Drop what a replay made or kept there.")] = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Rebuild ClickHouse's ledger from the log in a second database, and compare. Nothing stops meanwhile.

    Interrupted, the same command goes on. Exit code 1 when the live ledger was not as the log says; --switch puts the
    new one in its place then, too.
    """
    if (into is None) == (drop is None):
        raise CommandFailed("name a database with --into, or one with --drop", 2)
    if drop is not None:
        if switch or until is not None:
            raise CommandFailed("--drop goes alone", 2)
        _drop(drop, data, json=json)
        return
    if switch and until is not None:
        raise CommandFailed("--switch goes without --until: the live ledger has all that the log has", 2)
    differences: list[Any] = []

    def take(kind: str, part: Any) -> None:
        if kind == "finding":
            differences.append(part)
            if not json and len(differences) <= _SHOWN:
                say(f"{part['kind'].upper()} {part['where']} at position {part['position']}: {part['detail']}")

    body = {"target": into, "switch": switch, **given(until=until)}
    result = follow(data, "POST", "/operator/audit/replay", take, json=body)
    if json:
        print_json({**result, "items": differences})
    else:
        _tell(result, len(differences))
    if result["differences"]:
        places = "1 place" if result["differences"] == 1 else f"{result['differences']} places"
        shown = "" if json or result["differences"] <= _SHOWN else f", {_SHOWN} of them shown"
        when = "differed" if result["switched"] else "differs"
        raise CommandFailed(f"the live ledger {when} from the log at {places}{shown}")


def _tell(result: dict[str, Any], differences: int) -> None:
    target = result["target"]
    if result["compared"] is not None:
        same = "" if differences else ": the live ledger is the same"
        say(f"{target} holds the log up to position {result['position']}, compared up to {result['compared']}{same}")
    if result["switched"]:
        say(f"the new ledger is live, applied up to position {result['live_position']}; {target} keeps the old one")
        say(f"when nobody needs it any more: keyledger audit replay --drop {target}")


def _drop(target: str, data: Any, *, json: bool) -> None:
    dropped = request(data, "DELETE", f"/operator/audit/replay/{quote(target, safe='')}")
    if json:
        print_json(dropped)
    else:
        say(f"dropped {target} with {dropped['rows']} rows")
