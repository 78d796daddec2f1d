"""keyledger webhooks create, list, delete, rotate."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from keyledger.cli.client import AsJson, Data, items, send
from keyledger.cli.printing.output import print_json, say
from keyledger.cli.printing.tables import print_fields, print_table
from keyledger.cli.webhooks.webhook_id import WebhookId, checked_id
from keyledger.client.calls import create_webhook, delete_webhook, rotate_webhook
from keyledger.client.calls import list_webhooks as list_call


def register(app: typer.Typer) -> None:
    """Put the commands on the app of `webhooks`."""
    app.command(epilog="Example: keyledger webhooks create https://portal.example/keyledger-events --type KeyRevoked")(
        create
    )
    app.command("list", epilog="Example: keyledger webhooks list --json")(list_webhooks)
    app.command(epilog="Example: keyledger webhooks delete 3f1c7a52-6c0e-4b0e-9b53-0d4c1f6f3c11")(delete)
    app.command(epilog="Example: keyledger webhooks rotate 3f1c7a52-6c0e-4b0e-9b53-0d4c1f6f3c11 --overlap-s 3600")(
        rotate
    )


def create(
    receiver: Annotated[
        str,
        typer.Argument(
            metavar="URL",
            help="Where deliveries are sent: https or http, to a public address; - reads it from standard input, as "
            "others on the machine see arguments.",
        ),
    ],
    type_: Annotated[list[str] | None, typer.Option("--type", help="Events of this type alone; repeat.")] = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Make a webhook, which is sent every event from now on. Its secret is shown this once."""
    url = sys.stdin.readline().strip() if receiver == "-" else receiver
    _print_made(send(data, create_webhook(url, types=type_)), json=json)


def list_webhooks(data: Data = None, json: AsJson = False) -> None:
    """List webhooks, the last one made first."""
    found = items(data, list_call())
    if json:
        print_json(found)
        return
    columns = ("id", "url", "types", "position", "pending", "dead", "created_at", "created_by")
    rows = ([_cell(one, column) for column in columns] for one in found)
    print_table(columns, rows, right=("position", "pending", "dead"))


def delete(webhook_id: WebhookId, data: Data = None, json: AsJson = False) -> None:
    """Delete a webhook: nothing is sent to it any more. A repeat changes nothing."""
    deleted = send(data, delete_webhook(checked_id(webhook_id)))
    print_json(deleted) if json else say(f"deleted at {deleted['deleted_at']}")


def rotate(
    webhook_id: WebhookId,
    overlap_s: Annotated[
        int | None, typer.Option(min=0, help="How long the secrets that there are sign, too; a day by default.")
    ] = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Give a webhook a new secret, which is shown this once."""
    _print_made(send(data, rotate_webhook(checked_id(webhook_id), overlap_s=overlap_s)), json=json)


def _print_made(made: Mapping[str, Any], *, json: bool) -> None:
    if json:
        print_json(made)
        return
    shown = ("id", "url", "types", "position", "created_at", "secret")
    print_fields((name, _cell(made, name)) for name in shown)


def _cell(webhook: Mapping[str, Any], name: str) -> object:
    if name == "types":
        return "all" if webhook["types"] is None else ", ".join(webhook["types"])
    return webhook[name]
