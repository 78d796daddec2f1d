"""Patterns of values: RE2, which takes time in proportion to the text, whatever the pattern. Pure.

Syntax: https://github.com/google/re2/wiki/Syntax
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import re2

from registry.keys.texts.text import text_fault

MAX_PATTERN: Final = 1000
_MAX_MEMORY: Final = 1 << 20


def pattern_fault(pattern: str) -> str | None:
    """Why a pattern is refused, in words for the user, or None if it is valid."""
    if not 1 <= len(pattern) <= MAX_PATTERN:
        return f"must be 1 to {MAX_PATTERN} characters"
    if why := text_fault(pattern):
        return why
    try:
        _compiled(pattern)
    except re2.error as error:
        return f"is no pattern in RE2 syntax: {error.args[0].decode(errors='replace')}"
    return None


def matches(pattern: str, value: str) -> bool:
    """Whether the whole value matches."""
    return _compiled(pattern).fullmatch(value) is not None


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.max_mem = _MAX_MEMORY
    options.log_errors = False
    return re2.compile(pattern, options)
