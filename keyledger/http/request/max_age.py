"""How old an answer may be, as `Cache-Control: max-age=N` of a request says (RFC 9111, section 5.2.1.1)."""

from __future__ import annotations

import re
from typing import Final

_MAX_AGE: Final = re.compile(r'max-age="?([0-9]{1,9})"?', re.ASCII)


def max_age_of(cache_control: str | None) -> int | None:
    """The seconds that a caller allows; None without any, and where `no-cache` asks for a new answer all the same.

    As the RFC has it, what is not understood is passed over.
    """
    directives = [part.strip().lower() for part in (cache_control or "").split(",")]
    if "no-cache" in directives:
        return None
    ages = [int(found[1]) for directive in directives if (found := _MAX_AGE.fullmatch(directive))]
    return min(ages, default=None)
