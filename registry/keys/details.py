"""The descriptive fields of a key, as one value that command, event, state and HTTP carry. Pure.

Add a new descriptive field here. CONTRIBUTING.md lists the other places: eight files in all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from registry.keys.texts.text import label_fault, text_fault


class KeyDetails(msgspec.Struct, frozen=True, gc=False):
    """The descriptive fields of a key. `organization` and `workspace` belong to the gateway."""

    description: str | None = None
    organization: str = "default"
    workspace: str = "default"


# What each field may hold: returns why a text is refused, in words for the user, or None if it is valid.
FAULTS: Final[Mapping[str, Callable[[str], str | None]]] = {
    "description": text_fault,
    "organization": label_fault,
    "workspace": label_fault,
}
