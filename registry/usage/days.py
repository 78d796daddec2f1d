"""Days as texts and as numbers of days since 1970. Pure.

A UUIDv7 can name an instant up to the year 10889: a year after 9999 has a plus sign and five digits, as ISO 8601
expands years.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final

# The Gregorian calendar repeats every 400 years. Python's dates end with the year 9999, so later ones are shifted.
_SHIFT_YEARS: Final = 1200
_SHIFT_DAYS: Final = 3 * 146_097
_EPOCH: Final = date(1970, 1, 1).toordinal()
_TEXT: Final = re.compile(r"(\d{4}|\+1\d{4})(-\d\d-\d\d)", re.ASCII)


def day_text(number: int) -> str:
    """A day as text: 0 is `1970-01-01`."""
    ordinal = number + _EPOCH
    if ordinal <= date.max.toordinal():
        return date.fromordinal(ordinal).isoformat()
    shifted = date.fromordinal(ordinal - _SHIFT_DAYS)
    return f"+{shifted.year + _SHIFT_YEARS}-{shifted:%m-%d}"


def day_number(text: str) -> int:
    """The number of a day. Raises ValueError for what `day_text` does not write."""
    found = _TEXT.fullmatch(text)
    if found is None:
        raise ValueError("is no day such as 2026-03-01")
    year, rest = found.groups()
    if not year.startswith("+"):
        return date.fromisoformat(text).toordinal() - _EPOCH
    shifted = date.fromisoformat(f"{int(year) - _SHIFT_YEARS:04}{rest}")
    return shifted.toordinal() + _SHIFT_DAYS - _EPOCH
