"""What commands print: tables for people, JSON for programs, progress on a terminal alone."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table


def complain(message: str) -> None:
    """One line on stderr."""
    print(f"keyledger: {message}", file=sys.stderr)  # noqa: T201 - this is where commands print


def say(message: str) -> None:
    """One line on stdout, at once, also into a pipe."""
    print(message, flush=True)  # noqa: T201 - this is where commands print


def narrate(message: str) -> None:
    """One line on stderr, on a terminal alone."""
    if sys.stderr.isatty():
        print(message, file=sys.stderr, flush=True)  # noqa: T201 - this is where commands print


@contextmanager
def waiting(text: str) -> Iterator[None]:
    """Show on a terminal that something goes on, after a moment; nothing elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status(text):
        yield


def counting() -> Progress:
    """A bar of things done, on a terminal alone."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def print_json(value: Any) -> None:
    """The value as JSON, indented, Unicode as it is."""
    say(json.dumps(value, indent=2, ensure_ascii=False))


def readable(text: str) -> str:
    """The text with its unprintable characters escaped: none can command a terminal."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _lines(text: str) -> str:
    return "\n".join(map(readable, text.split("\n")))


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None, right: Iterable[str] = ()
) -> None:
    """A table; columns named in `right` are flush right. Nothing in a cell is read as markup, or by the terminal."""
    console = Console(markup=False, highlight=False)
    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold")
    flush = set(right)
    for column in columns:
        table.add_column(readable(column), justify="right" if column in flush else "left", no_wrap=True)
    for row in rows:
        table.add_row(*("-" if cell is None else _lines(str(cell)) for cell in row))
    # A number that is cut in two reads as another number: a table is as wide as it must be.
    console.width = max(console.width, console.measure(table, options=console.options.update(width=100_000)).maximum)
    console.print(table)
