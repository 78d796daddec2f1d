"""keyledger audit history: the life of a key, for a person."""

from __future__ import annotations

import re
from typing import Annotated, Any

import httpx
import typer

from keyledger.cli.audit.words import actor, indented, shown
from keyledger.cli.client import AsJson, CommandFailed, Data, call, checked, given
from keyledger.cli.printing.output import print_json, readable, say

_PAGE = 1000


def register(app: typer.Typer) -> None:
    """Put the command on the app of `audit`."""
    app.command(epilog="Example: keyledger audit history abcDEF123456")(history)


def history(
    key: Annotated[
        str,
        typer.Argument(
            metavar="KEY",
            help="Any id of the key, token-<id>, price-<id>, usage-<source>, tag-policy or log-clock.",
        ),
    ],
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Tell the life of a key: who, when, why, and what changed from what to what."""
    path = f"/audit/history/{segment(key)}"

    async def pages(client: httpx.AsyncClient) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page = checked(await client.get(path, params=given(cursor=cursor, limit=_PAGE)))
            items += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return items

    items = call(data, pages)
    if json:
        print_json(items)
        return
    for item in items:
        say(_block(item))


def segment(key: str) -> str:
    """The id as part of a path."""
    if (
        re.fullmatch(
            r"(token-)?[A-Za-z0-9]+|price-[A-Za-z0-9._-]+|usage-[a-z0-9_]+|tag-policy|log-clock", key, re.ASCII
        )
        is None
    ):
        raise CommandFailed("a public_id has letters and digits alone", 2)
    return key


def _block(item: dict[str, Any]) -> str:
    what = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", item["type"]).lower()
    lines = [f"{item['recorded_at']}  position {item['position']}  {actor(item)}: {what}"]
    since = f", from {item['effective_at']} (backdated)" if item["backdated"] else ""
    for change in item["changes"]:
        until = f", until {change['until']}" if change["until"] else ""
        lines.append(f"  {readable(change['field'])}: {_change(change)}{since}{until}")
    if item["reason"]:
        lines.append(f"  reason: {indented(item['reason'])}")
    return "\n".join(lines)


def _change(change: dict[str, Any]) -> str:
    before, after = (shown(change[side]) for side in ("from", "to"))
    return f"{after} (as before)" if before == after else f"{before} → {after}"
