"""keyledger webhooks test, deliveries, replay."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import httpx
import typer

from keyledger.cli.client import AsJson, CommandFailed, Data, ask, call, items, send
from keyledger.cli.printing.output import print_json, say
from keyledger.cli.printing.tables import print_table
from keyledger.cli.webhooks.webhook_id import WebhookId, checked_id
from keyledger.client import calls

Positions = Annotated[list[int] | None, typer.Argument(metavar="[POSITION]...", help="As `deliveries` shows them.")]


class Status(StrEnum):
    """What became of a delivery."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


def register(app: typer.Typer) -> None:
    """Put the commands on the app of `webhooks`."""
    example = "3f1c7a52-6c0e-4b0e-9b53-0d4c1f6f3c11"
    app.command("test", epilog=f"Example: keyledger webhooks test {example}")(send_test)
    app.command(epilog=f"Example: keyledger webhooks deliveries {example} --status dead")(deliveries)
    app.command(epilog=f"Example: keyledger webhooks replay {example} --dead")(replay)


def send_test(webhook_id: WebhookId, data: Data = None, json: AsJson = False) -> None:
    """Send a signed test now, and say what came back (exit code 1 where it was not taken)."""
    sent = send(data, calls.test_webhook(checked_id(webhook_id)))
    if json:
        print_json(sent)
    elif sent["delivered"]:
        say(f"delivered: it answered {sent['status']} after {sent['duration_ms']} ms")
    if not sent["delivered"]:
        raise CommandFailed(f"not delivered: {sent['error']}")


def deliveries(
    webhook_id: WebhookId,
    status: Annotated[list[Status] | None, typer.Option(help="Of these alone; repeat.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many, the latest first.")] = 100,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """List what became of each event, the latest first."""
    wanted = [one.value for one in status or []]
    found = items(data, calls.list_deliveries(checked_id(webhook_id), status=wanted), limit)
    if json:
        print_json(found)
        return
    columns = ("position", "type", "stream", "status", "attempts", "last_error", "next_attempt_at", "ended_at")
    print_table(columns, ([one[name] for name in columns] for one in found), right=("position", "attempts"))


def replay(
    webhook_id: WebhookId,
    positions: Positions = None,
    dead: Annotated[bool, typer.Option("--dead", help="All that are dead.")] = False,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Send events once more, in the order of their positions: dead ones, or any that are kept."""
    if bool(positions) == dead:
        raise CommandFailed("give positions, or --dead for all that are dead", 2)
    of = checked_id(webhook_id)
    wanted = positions or [one["position"] for one in items(data, calls.list_deliveries(of, status=["dead"]))]

    async def replay_all(client: httpx.AsyncClient) -> list[dict[str, Any]]:
        return [await ask(client, calls.replay_delivery(of, position)) for position in sorted(wanted)]

    replayed = call(data, replay_all)
    print_json(replayed) if json else say(f"to be sent again: {len(replayed)}")
