"""keyledger prices list, show, set, end, history, import."""

from __future__ import annotations

import typer

from keyledger.cli.prices import changing, importing, reading

app = typer.Typer(
    help="List, set, end and import prices.",
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog="Example: keyledger prices set llama-gold --model llama --currency EUR --input 0.15 --output 0.60",
)
for commands in (reading, changing, importing):
    commands.register(app)
