"""keyledger import: takes over the keys that a gateway had before."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from keyledger.cli.client import AsJson, CommandFailed, Data, Reason, given
from keyledger.cli.printing.output import print_json, readable, say
from keyledger.cli.printing.streaming import follow

app = typer.Typer(
    help="Take over the keys that a gateway has already.",
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog="Example: keyledger import tensorzero --tags ./tags.csv",
)

_SHOWN = 100
Tags = Annotated[
    Path | None,
    typer.Option(
        help="Which key gets which tags: a .csv with the header public_id,<tag>,… or a .json of {public_id: {tag: "
        "value}}.",
        exists=True,
        dir_okay=False,
    ),
]


@app.command(epilog="Example: keyledger import tensorzero --tags ./tags.csv --apply")
def tensorzero(
    tags: Tags = None,
    apply: Annotated[bool, typer.Option("--apply", help="Import. Without it only what would be done is said.")] = False,
    only_mapped: Annotated[
        bool, typer.Option("--only-mapped", help="Leave out keys that --tags does not name.")
    ] = False,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave out keys whose row in --tags is wrong, and import the rest.")
    ] = False,
    reason: Reason = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Take over the keys of the TensorZero database that KEYLEDGER_GATEWAY_DATABASE_URL names, from their creation on.

    Keys that are in the log already stay as they are, so it may be run again at any time. Exit code 1 when a key or a
    row of --tags is wrong; with --skip-bad they are reported all the same.
    """
    taken = _Taken(json)
    body = given(tags=None if tags is None else str(tags.absolute()), reason=reason)
    body |= {"apply": apply, "only_mapped": only_mapped, "skip_bad": skip_bad}
    result = follow(data, "POST", "/operator/import/tensorzero", taken.take, json=body)
    if json:
        print_json({**result, "items": taken.items})
    else:
        _tell(result, wanted=apply, skip_bad=skip_bad)
    if taken.count and not skip_bad:
        words = "1 thing is wrong" if taken.count == 1 else f"{taken.count} things are wrong"
        raise CommandFailed(words + ("; not all are shown, --json has all" if taken.count > _SHOWN else ""))


@dataclass
class _Taken:
    """What is wrong, as it comes."""

    json: bool
    items: list[Any] = field(default_factory=list)
    count: int = 0

    def take(self, kind: str, part: Any) -> None:
        """Show an item, or keep it for later."""
        if kind != "item":
            return
        self.count += 1
        if self.json:
            self.items.append(part)
        elif self.count <= _SHOWN:
            say(_line(part))


def _line(item: dict[str, Any]) -> str:
    where = [] if item["line"] is None else [f"line {item['line']}"]
    where += [] if item["public_id"] is None else [f"key {readable(item['public_id'])}"]
    return f"{item['of']}, {', '.join(where)}: {readable(item['field'])} {item['detail']}"


def _tell(result: dict[str, Any], *, wanted: bool, skip_bad: bool) -> None:
    say(f"keys in the gateway's table  {result['keys']}")
    say(f"  known here already         {result['known']}")
    say(f"  left out                   {result['left_out']}")
    say(f"  can't be imported          {result['faulty']}")
    say(f"  new                        {result['new']}, {result['without_tags']} of them without tags")
    say(f"mapped, not in the table     {result['not_in_table']}")
    if result["applied"]:
        keys = "1 key" if result["imported"] == 1 else f"{result['imported']} keys"
        say(f"imported {keys}, up to position {result['position']}")
    elif wanted or (result["mapping_faults"] and not skip_bad):
        say("nothing is imported: mend the mapping, or leave its bad rows out with --skip-bad")
    else:
        say("nothing was imported: this is what --apply would do")
