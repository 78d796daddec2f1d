"""Tag rules: valid names and values. One place, used for keys, filters and bills. Pure."""

from __future__ import annotations

import unicodedata

from registry.keys.texts.joiners import JOINERS, joins_well

MAX_TAGS = 64
MAX_NAME_BYTES = 128
MAX_VALUE_BYTES = 256
RESERVED_PREFIX = "keyledger."
RESERVED_WORDS = frozenset({"model", "provider", "function", "hour", "day", "month"})

# Unicode general categories: control, format, surrogate, and the separators that act as control (line, paragraph).
_FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def name_fault(name: str) -> str | None:
    """Why a tag name is refused, in words for the user, or None if it is valid."""
    if ":" in name:
        return "must not contain a colon"
    if name.startswith(RESERVED_PREFIX):
        return f"must not begin with {RESERVED_PREFIX}, which is reserved"
    if name in RESERVED_WORDS:
        return f"is reserved: the words {', '.join(sorted(RESERVED_WORDS))} group bills"
    return text_fault(name, MAX_NAME_BYTES)


def value_fault(value: str) -> str | None:
    """Why a tag value is refused, in words for the user, or None if it is valid."""
    return text_fault(value, MAX_VALUE_BYTES, JOINERS)


def text_fault(text: str, max_bytes: int, joiners: frozenset[str] = frozenset()) -> str | None:
    """Why a text that is compared byte by byte is refused, in words for the user, or None if it is valid."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return "must be well-formed Unicode, without lone surrogates"
    if not 1 <= size <= max_bytes:
        return f"must be 1 to {max_bytes} bytes of UTF-8, not {size}"
    if not text.isascii() and not unicodedata.is_normalized("NFC", text):
        return "must be in Unicode normalisation form NFC"
    if fault := _char_fault(text, joiners):
        return fault
    if text != text.strip():
        return "must not begin or end with a blank"
    return None


def _char_fault(text: str, joiners: frozenset[str]) -> str | None:
    if text.isascii() and text.isprintable():  # nearly every text is
        return None
    if any(unicodedata.category(char) in _FORBIDDEN_CATEGORIES and char not in joiners for char in text):
        return "must not contain control or format characters"
    if not joiners.isdisjoint(text) and not all(
        joins_well(text, at) for at, char in enumerate(text) if char in joiners
    ):
        return "must not contain a zero-width joiner or non-joiner but between letters or emoji that need it"
    return None
