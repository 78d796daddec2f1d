"""keyledger webhooks create, list, delete, rotate, test, deliveries, replay."""

from __future__ import annotations

import typer

from keyledger.cli.webhooks import deliveries, webhooks

app = typer.Typer(
    help="Send the events of the log to other systems, and see what became of each.",
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog="Example: keyledger webhooks create https://portal.example/keyledger-events",
)
for commands in (webhooks, deliveries):
    commands.register(app)
