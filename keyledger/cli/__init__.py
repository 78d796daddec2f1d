"""The command line. Exit codes: 0 done, 1 found a difference or refused, 2 wrong use."""

from __future__ import annotations

import os
import sys
import time
from importlib import metadata
from typing import Annotated

import typer

from keyledger.cli import (
    billing,
    clock,
    console,
    dead_letters,
    engine,
    imports,
    loads,
    operate,
    status,
    tag_policy,
    tokens,
)
from keyledger.cli.audit.app import audit_app
from keyledger.cli.client import CommandFailed
from keyledger.cli.finance import compare, focus, inferences
from keyledger.cli.keys import keys, lifecycle
from keyledger.cli.keys.files import command as key_files
from keyledger.cli.prices import app as prices
from keyledger.cli.printing.output import complain, say
from keyledger.cli.webhooks import app as webhooks

app = typer.Typer(
    name="keyledger",
    no_args_is_help=True,
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback(epilog="Example: keyledger up --data ./my-ledger --port 8080")
def start(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.", is_eager=True)] = False,
) -> None:
    """Event-sourced API-key registry with key-bound tags, and bills that can be proved again."""
    if version:
        say(metadata.version("keyledger"))
        raise typer.Exit


lifecycle.register(keys.app)
key_files.register(keys.app)
app.add_typer(keys.app, name="keys")
app.add_typer(prices.app, name="prices")
app.add_typer(webhooks.app, name="webhooks")
app.add_typer(tokens.app, name="token")
app.add_typer(tag_policy.app, name="tag-policy")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(audit_app(), name="audit")
app.add_typer(imports.app, name="import")
operate.register(app)
for commands in (billing, compare, inferences, focus, clock, console, engine, loads, status):
    commands.register(app)


def main() -> None:
    """The entry point: whatever fails ends as words on stderr and an exit code, never as a traceback."""
    # Nothing here depends on the machine's zone, and the embedded engine does not start with one that it does not know.
    os.environ["TZ"] = "UTC"
    time.tzset()
    try:
        app()
    except CommandFailed as error:
        complain(str(error))
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:  # noqa: BLE001 - what nobody foresaw, too
        from keyledger.cli.failures import report  # noqa: PLC0415 - it imports what --help need not wait for

        report(error)
        sys.exit(2 if isinstance(error, UnicodeEncodeError) else 1)
