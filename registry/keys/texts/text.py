"""Rules for texts from a caller. One place, used for bodies, queries and imports. Pure."""

from __future__ import annotations

import unicodedata

MAX_TEXT = 2000
MAX_LABEL = 200


def text_fault(text: str) -> str | None:
    """Why a description or a reason is refused, in words for the user, or None if it is valid."""
    if len(text) > MAX_TEXT:
        return f"must be at most {MAX_TEXT} characters"
    if _has_controls(text, allowed="\n\t"):
        return "must not contain control characters, but newline and tab"
    return None


def label_fault(text: str) -> str | None:
    """Why an organization or a workspace is refused, in words for the user, or None if it is valid."""
    if not 1 <= len(text) <= MAX_LABEL:
        return f"must be 1 to {MAX_LABEL} characters"
    if _has_controls(text):
        return "must not contain control characters"
    return None


def _has_controls(text: str, allowed: str = "") -> bool:
    """Whether the text has control characters or lone surrogates."""
    if text.isprintable():  # nearly every text is, and this check costs a tenth
        return False
    return any(unicodedata.category(char) in {"Cc", "Cs"} and char not in allowed for char in text)
