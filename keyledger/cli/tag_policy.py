"""keyledger tag-policy: what tags keys must and may have."""

from __future__ import annotations

import json as json_text
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from keyledger.cli.client import AsJson, CommandFailed, Data, Reason, send
from keyledger.cli.printing.output import print_json, readable, say
from keyledger.cli.printing.tables import print_table
from keyledger.client.calls import set_tag_policy, show_tag_policy, try_tag_policy

app = typer.Typer(
    help="Show, try and set what tags keys must and may have.",
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog="Example: keyledger tag-policy set ./policy.json --dry-run",
)
_SHOWN: Final = 20


@app.command(epilog="Example: keyledger tag-policy show --json > policy.json")
def show(data: Data = None, json: AsJson = False) -> None:
    """Show the policy that counts."""
    _print(send(data, show_tag_policy()), json=json)


@app.command("set", epilog="Example: keyledger tag-policy set ./policy.json --reason 'each key is billed'")
def set_policy(
    file: Annotated[
        Path,
        typer.Argument(help="JSON: {tags: {name: {required, values, pattern, description}}, closed}.", exists=True),
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list the keys that would break it.")] = False,
    reason: Reason = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Set a policy in place of the one before. With --dry-run, exit code 1 when a key would break it."""
    tags, closed = _read(file)
    if not dry_run:
        _print(send(data, set_tag_policy(tags, closed=closed, reason=reason)), json=json)
        return
    report = send(data, try_tag_policy(tags, closed=closed))
    if json:
        print_json(report)
    else:
        _tell(report)
    if report["breaking"]:
        raise CommandFailed(f"{report['breaking']} of {report['checked']} keys would break it")


def _read(file: Path) -> tuple[dict[str, Any], bool]:
    """The policy of a file, which may be what `show --json` printed. What it may say, the registry checks."""
    try:
        found = json_text.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CommandFailed(f"{file.name} is no JSON that can be read: {error}", 2) from error
    if not isinstance(found, dict) or not isinstance(found.get("tags"), dict):
        raise CommandFailed(f"{file.name} must be an object with tags: {{name: rule}}", 2)
    known = {"tags", "closed", "set_at", "position", "version"}
    if unknown := sorted(found.keys() - known):
        raise CommandFailed(f"{file.name}: {unknown[0]!r} is none of tags, closed", 2)
    return found["tags"], found.get("closed", False)


def _print(policy: dict[str, Any], *, json: bool) -> None:
    if json:
        print_json(policy)
        return
    columns = ("tag", "required", "values", "pattern", "description")
    rows = (
        (
            name,
            "yes" if rule["required"] else "",
            ", ".join(rule["values"] or []),
            rule["pattern"] or "",
            rule["description"] or "",
        )
        for name, rule in policy["tags"].items()
    )
    print_table(columns, rows)
    others = "no other tags" if policy["closed"] else "other tags may have any value"
    say(f"{others}; version {policy['version']}" + (f", set at {policy['set_at']}" if policy["set_at"] else ""))


def _tell(report: dict[str, Any]) -> None:
    for key in report["items"][:_SHOWN]:
        for one in key["breaches"]:
            at = "" if one["scheduled_position"] is None else f", scheduled at position {one['scheduled_position']}"
            say(readable(f"{key['public_id']}: {one['field']}: {one['message']}{at}"))
    if len(report["items"]) > _SHOWN:
        say("… --json has more")
    say(f"{report['breaking']} of {report['checked']} keys would break it; nothing was set")
