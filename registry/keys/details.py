"""What describes a key, as one value that command, event, state and HTTP carry. Pure.

A new descriptive field goes here; CONTRIBUTING.md lists the other places, five files in all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from registry.keys.text import label_fault, text_fault


class KeyDetails(msgspec.Struct, frozen=True, gc=False):
    """The descriptive fields of a key. `organization` and `workspace` are the gateway's."""

    description: str | None = None
    organization: str = "default"
    workspace: str = "default"


# What each field may hold: why a text is refused, in words for the user, or None when it is good.
FAULTS: Final[Mapping[str, Callable[[str], str | None]]] = {
    "description": text_fault,
    "organization": label_fault,
    "workspace": label_fault,
}
