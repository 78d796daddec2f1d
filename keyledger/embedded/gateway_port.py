"""The port of the embedded PostgreSQL that a gateway comes by: chosen once, and the same at every later start."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from keyledger.embedded.private_file import write_private

_NAME: Final = "gateway-port"


def choose_port(postgres: Path, asked: int | None, *, gateway: bool) -> int | None:
    """The port that `up` is to open: the one asked for, else that of the folder's gateway, else none.

    With a `gateway` and none chosen so far it is 0, which takes a free one.
    """
    if asked is not None:
        return asked
    kept = postgres / _NAME
    if kept.exists():
        return int(kept.read_text(encoding="ascii"))
    return 0 if gateway else None


def keep_port(postgres: Path, port: int | None, *, gateway: bool) -> None:
    """Note the port where a gateway comes by it."""
    if port is not None and (gateway or (postgres / _NAME).exists()):
        write_private(postgres / _NAME, f"{port}\n")
