"""keyledger prices import."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from keyledger.cli.client import AsJson, CommandFailed, Data, Reason, given
from keyledger.cli.printing.output import print_json, readable, say
from keyledger.cli.printing.streaming import follow

_SHOWN: Final = 100
_WORDS: Final = {"set": "new", "changed": "changed", "left": "as they are", "left_out": "left out", "refused": "wrong"}


def register(app: typer.Typer) -> None:
    """Put the command on the app of `prices`."""
    app.command("import", epilog="Example: keyledger prices import ./prices.csv --dry-run")(import_prices)


def import_prices(
    file: Annotated[
        Path,
        typer.Argument(
            help="A .csv or .toml of ours, or LiteLLM's model_prices_and_context_window.json.",
            exists=True,
            dir_okay=False,
        ),
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would become of each row.")] = False,
    model: Annotated[list[str] | None, typer.Option(help="These models alone; * is any text; repeat.")] = None,
    provider: Annotated[list[str] | None, typer.Option(help="These providers alone; * is any text; repeat.")] = None,
    shorthand: Annotated[
        bool, typer.Option("--shorthand", help="Of LiteLLM's map: name models as provider::model.")
    ] = False,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave out rows that are wrong, and set the rest.")
    ] = False,
    effective_at: Annotated[str | None, typer.Option(help="From when they count; the past needs --reason.")] = None,
    reason: Reason = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Set the prices of a file; those that are there already are left. It may be run again at any time.

    While a row is wrong none is set, unless --skip-bad is given. Exit code 1 when a row is wrong.
    """
    items: list[dict[str, Any]] = []
    body = given(effective_at=effective_at, reason=reason) | {
        "file": str(file.absolute()),
        "models": model or [],
        "providers": provider or [],
        "shorthand": shorthand,
        "skip_bad": skip_bad,
        "dry_run": dry_run,
    }

    def take(kind: str, part: Any) -> None:
        if kind == "item":
            items.append(part)

    result = follow(data, "POST", "/operator/import/prices", take, json=body)
    if json:
        print_json({**result, "items": items})
    else:
        _tell(file, items, result, dry_run=dry_run)
    wrong = result["refused"] + result["refused_late"]
    if wrong and not skip_bad:
        words = "1 row is wrong" if wrong == 1 else f"{wrong} rows are wrong"
        raise CommandFailed(f"{words}: nothing was set" if not result["applied"] else words)


def _tell(file: Path, items: list[dict[str, Any]], result: dict[str, Any], *, dry_run: bool) -> None:
    refused = [one for one in items if one["outcome"] == "refused"]
    others = [one for one in items if one["outcome"] in {"set", "changed"}] if dry_run else []
    for one in [*refused, *others][:_SHOWN]:
        say(_line(file, one))
    if len(refused) + len(others) > _SHOWN:
        say("… --json has all")
    for name, words in _WORDS.items():
        say(f"{words:<12} {result[name]}")
    if dry_run:
        say("nothing was set: this is what an import without --dry-run would do")
    elif result["applied"]:
        say(f"set up to position {result['position']}")


def _line(file: Path, one: dict[str, Any]) -> str:
    rest = [one["detail"], one["note"]]
    said = "; ".join(readable(text) for text in rest if text)
    name = one["price_id"] or one["name"]
    return f"{file.name}, line {one['line']}: {readable(name)} {_WORDS[one['outcome']]}" + (f": {said}" if said else "")
