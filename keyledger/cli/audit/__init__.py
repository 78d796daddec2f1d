"""keyledger audit: any state, any bill, any moment, from the log alone."""

from __future__ import annotations

import typer

app = typer.Typer(
    help="Answer an auditor from the log alone: who, when, why, and whether anyone touched the books since.",
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog="Example: keyledger audit history abcDEF123456",
)

from keyledger.cli.audit import archive, diff, explain, history, replay, state, verify  # noqa: E402, F401 - each puts its commands on the app
