"""keyledger audit state: one key, or all, at any instant and as known at any position."""

from __future__ import annotations

import json as jsonlib
from typing import Annotated, Any

import httpx
import typer

from keyledger.cli.audit.history import segment
from keyledger.cli.client import AsJson, CommandFailed, Data, call, checked, given, request
from keyledger.cli.keys.keys import print_key
from keyledger.cli.printing.output import counting, print_json, readable, say

_PAGE = 1000


def register(app: typer.Typer) -> None:
    """Put the command on the app of `audit`."""
    app.command(epilog="Example: keyledger audit state --all --at 2026-03-01T00:00:00Z --known-at 120")(state)


def state(
    key: Annotated[str | None, typer.Argument(metavar="[KEY]", help="Any id of the key.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All keys that existed then.")] = False,
    at: Annotated[str | None, typer.Option(help="As of this instant: RFC 3339 with an offset; now by default.")] = None,
    known_at: Annotated[int | None, typer.Option(min=0, help="As known at this position; all by default.")] = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Show what held at an instant, as known at a position of the log, folded from the log alone."""
    if every == (key is not None):
        raise CommandFailed("name one KEY, or all with --all", 2)
    query = given(at=at, known_at=known_at)
    if key is not None:
        found = request(data, "GET", f"/audit/state/{segment(key)}", params=query)
        print_json(found) if json else print_key(found)
        return
    call(data, lambda client: _all(client, query, json=json), quiet=True)


async def _all(client: httpx.AsyncClient, query: dict[str, Any], *, json: bool) -> None:
    """Print keys as they come: there may be more than fit into memory."""
    cursor, count = None, 0
    with counting() as bar:
        task = bar.add_task("keys", total=None)
        while True:
            page = checked(await client.get("/audit/state", params={**query, **given(cursor=cursor, limit=_PAGE)}))
            for item in page["items"]:
                if json:
                    say(("," if count else "[") + jsonlib.dumps(item, ensure_ascii=False))
                else:
                    say(_line(item))
                count += 1
            bar.update(task, completed=count)
            cursor = page["next_cursor"]
            if cursor is None:
                break
    if json:
        say("]" if count else "[]")
    else:
        say(f"{count} keys at {page['at']}, as known at {page['known_at']}")


def _line(key: dict[str, Any]) -> str:
    tags = ", ".join(f"{name}:{value}" for name, value in key["tags"].items())
    return f"{key['public_id']}  {key['status']:9}  {readable(tags)}".rstrip()
