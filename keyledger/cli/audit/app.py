"""keyledger audit, put together."""

from __future__ import annotations

import typer

from keyledger.cli.audit import archive, diff, explain, history, replay, state, verify


def audit_app() -> typer.Typer:
    """The commands of `audit`."""
    app = typer.Typer(
        help="Answer an auditor from the log alone: who, when, why, and whether anyone touched the books since.",
        no_args_is_help=True,
        rich_markup_mode=None,
        epilog="Example: keyledger audit history abcDEF123456",
    )
    for command in (archive, diff, explain, history, replay, state, verify):
        command.register(app)
    return app
