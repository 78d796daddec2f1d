"""The command line. Exit codes: 0 done, 1 found a difference or refused, 2 wrong use."""

from __future__ import annotations

import sys

import click
import typer

from keyledger.cli import billing, keys, operate, tokens
from keyledger.cli.client import CommandFailed
from keyledger.cli.output import complain

app = typer.Typer(
    name="keyledger",
    help="Event-sourced API-key registry with key-bound tags, and bills that can be proved again.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(keys.app, name="keys")
app.add_typer(tokens.app, name="token")
operate.register(app)
billing.register(app)


def main() -> None:
    """The entry point: every failure that is not a bug ends as one line on stderr and an exit code."""
    from keyledger.cli.failures import expected  # noqa: PLC0415 - after the commands, so that --help stays quick

    try:
        code = app(standalone_mode=False)
    except click.exceptions.Abort:
        code = 130
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except CommandFailed as error:
        complain(str(error))
        code = error.exit_code
    except expected() as error:
        complain(str(error) or type(error).__name__)
        code = 1
    sys.exit(code if isinstance(code, int) else 0)
