"""What commands print: lines, JSON for programs, progress on a terminal alone."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

# They are part of words and emoji, and show nothing of their own.
_JOINERS: Final = "\u200c\u200d"


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
    console = Console(stderr=True, markup=False, emoji=False)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def print_json(value: Any) -> None:
    """The value as JSON, indented, Unicode as it is."""
    say(json.dumps(value, indent=2, ensure_ascii=False))


def print_raw(content: bytes) -> None:
    """Bytes on stdout as they are."""
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def readable(text: str) -> str:
    """The text with its unprintable characters escaped: none can command a terminal."""
    return "".join(
        char if char.isprintable() or char in _JOINERS else char.encode("unicode_escape").decode() for char in text
    )
