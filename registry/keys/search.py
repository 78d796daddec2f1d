"""The text of a key that a search looks through. Pure."""

from __future__ import annotations

from datetime import datetime

from registry.keys.state import KeyState


def folded(text: str) -> str:
    """A text without regard to case, as Unicode's full case folding has it."""
    return text.casefold()


def search_text(key: KeyState, at: datetime) -> str:
    """A key's ids, description and tag values at a time, folded, a line for each."""
    ids = [one.credential_id for one in key.credentials]
    return folded("\n".join([*ids, key.details.description or "", *key.tags(at).values()]))
