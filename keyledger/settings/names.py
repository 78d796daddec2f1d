"""How settings are named in the environment."""

from __future__ import annotations

from typing import Final

PREFIX: Final = "KEYLEDGER_"


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"{PREFIX}{name.upper()}"
