"""keyledger dead-letters: records of the topic that are no events of the log."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from keyledger.cli.client import AsJson, CommandFailed, Data, request
from keyledger.cli.printing.output import print_json, say
from keyledger.cli.printing.tables import print_table

app = typer.Typer(
    help="Records of the topic that are no events of the log: put aside until somebody decides.",
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog="Example: keyledger dead-letters waive --all --reason 'a test wrote to the wrong topic'",
)
Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="topic/partition/offset, as `list` shows it.")]
All = Annotated[bool, typer.Option("--all", help="All that are open.")]
Why = Annotated[str, typer.Option("--reason", help="Why: kept with the letter.")]


class Status(StrEnum):
    """What `list` can be asked for."""

    OPEN = "open"
    REPLAYED = "replayed"
    WAIVED = "waived"
    ANY = "any"


@app.command("list", epilog="Example: keyledger dead-letters list --status any --json")
def list_letters(
    status: Annotated[Status, typer.Option(help="Which.")] = Status.OPEN,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many, the latest first.")] = 100,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """List them, the latest first: what each is, why it was put aside, and what it holds."""
    query = {"status": status.value, "limit": limit}
    items = request(data, "GET", "/operator/dead-letters", params=query)["items"]
    if json:
        print_json(items)
    elif not items:
        say("none")
    else:
        columns = ("id", "status", "kind", "detail", "held_position")
        print_table(columns, ([one[column] for column in columns] for one in items))


@app.command(epilog="Example: keyledger dead-letters replay keyledger.events.v1/0/17 --reason 'settings mended'")
def replay(reason: Why, ids: Ids = None, all_: All = False, data: Data = None, json: AsJson = False) -> None:
    """Send them to the topic again, word for word, and close them; what is still no event comes back as a new one."""
    decided = _decide("replay", ids, reason, data, all_=all_)
    _print(decided, "replayed", json=json)
    if decided["missing"]:
        missing = ", ".join(decided["missing"])
        raise CommandFailed(f"the topic of dead letters does not have {missing}: waive what can't be replayed")


@app.command(epilog="Example: keyledger dead-letters waive --all --reason 'a test wrote to the wrong topic'")
def waive(reason: Why, ids: Ids = None, all_: All = False, data: Data = None, json: AsJson = False) -> None:
    """Close them for good: they are no events of the log, and what they held goes on."""
    _print(_decide("waive", ids, reason, data, all_=all_), "waived", json=json)


def _decide(decision: str, ids: list[str] | None, reason: str, data: Any, *, all_: bool) -> Any:
    if bool(ids) == all_:
        raise CommandFailed("name the dead letters, or say --all", 2)
    body = {"decision": decision, "ids": ids or None, "reason": reason}
    return request(data, "POST", "/operator/dead-letters", json=body)


def _print(decided: Any, what: str, *, json: bool) -> None:
    if json:
        print_json(decided)
    else:
        say(f"{what}: {len(decided['items'])}")
