"""The id of a webhook, as commands take it."""

from __future__ import annotations

import re
from typing import Annotated, Final

import typer

from keyledger.cli.client import CommandFailed

_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
WebhookId = Annotated[str, typer.Argument(help="The webhook's id, as `list` shows it.")]


def checked_id(webhook_id: str) -> str:
    """The id. Raises CommandFailed where it can be none."""
    if _ID.fullmatch(webhook_id) is None:
        raise CommandFailed("the id of a webhook is as `keyledger webhooks list` shows it", 2)
    return webhook_id
