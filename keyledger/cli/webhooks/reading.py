"""What commands on webhooks have in common: ids in paths, and lists in pages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import httpx
import typer

from keyledger.cli.client import CommandFailed, call, checked, given

PATH: Final = "/admin/webhooks"
_PAGE: Final = 1000
_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
WebhookId = Annotated[str, typer.Argument(help="The webhook's id, as `list` shows it.")]


def path_of(webhook_id: str) -> str:
    """The path of a webhook. Raises CommandFailed for what is no id."""
    if _ID.fullmatch(webhook_id) is None:
        raise CommandFailed("the id of a webhook is as `keyledger webhooks list` shows it", 2)
    return f"{PATH}/{webhook_id}"


def pages(data: Path | None, path: str, query: Mapping[str, Any], limit: int | None = None) -> list[dict[str, Any]]:
    """All items of a list, or the first `limit`."""

    async def read(client: httpx.AsyncClient) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        cursor: str | None = None
        while limit is None or len(items) < limit:
            size = _PAGE if limit is None else min(_PAGE, limit - len(items))
            page = checked(await client.get(path, params={**query, **given(cursor=cursor, limit=size)}))
            items += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        return items

    return call(data, read)
