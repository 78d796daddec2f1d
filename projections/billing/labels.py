"""The texts of a bill's groups: the statement counts hours and days in integers, people read dates."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone
from typing import Any, Final

# The Gregorian calendar repeats after so many days. A year in the west or east of UTC may be 1969 or 10000, which
# `date` has no room for at its end.
_YEARS: Final = 400
_DAYS: Final = 146_097
_DATE: Final = r"([0-9]{4,5})-([0-9]{2})-([0-9]{2})"
_HOUR: Final = re.compile(rf"{_DATE}T([0-9]{{2}}):00:00([+-])([0-9]{{2}}):([0-9]{{2}})(?::([0-9]{{2}}))?")
_PLACES: Final = {"hour": _HOUR, "day": re.compile(_DATE), "month": re.compile(r"([0-9]{4,5})-([0-9]{2})")}


def label(name: str, value: Any) -> str | None:
    """What a value of a group is called: `name` is a word of a bill, or a tag, which is called by its value."""
    match name:
        case "hour":
            hours, offset_s = divmod(value, 262_144)
            days, hour = divmod(hours, 24)
            return f"{_day(days)}T{hour:02d}:00:00{_offset(offset_s - 131_072)}"
        case "day":
            return _day(value)
        case "month":
            return f"{value // 100:04d}-{value % 100:02d}"
        case _:
            return None if value is None else str(value)


def code(name: str, text: str) -> int | None:
    """What the statement has for the label of an hour, a day or a month; None for one that no line has."""
    found = _PLACES[name].fullmatch(text)
    if found is None:
        return None
    try:
        value = _code(name, *(part or "0" for part in found.groups()))
        return value if label(name, value) == text else None
    except ValueError:
        return None


def _code(name: str, year: str, month: str, day: str = "1", hour: str = "0", sign: str = "+", *offset: str) -> int:
    if name == "month":
        date(2000, int(month), 1)
        return int(year) * 100 + int(month)
    days = (date(int(year) - _YEARS, int(month), int(day)) - date(1970, 1, 1)).days + _DAYS
    if name == "day":
        return days
    seconds = sum(int(part) * unit for part, unit in zip(offset, (3600, 60, 1), strict=True))
    return (days * 24 + int(hour)) * 262_144 + (-seconds if sign == "-" else seconds) + 131_072


def _day(days: int) -> str:
    """The date of a number of days since 1970-01-01."""
    day = date(1970, 1, 1) + timedelta(days=days - _DAYS)
    return f"{day.year + _YEARS:04d}-{day:%m-%d}"


def _offset(seconds: int) -> str:
    """As RFC 3339 and, where an old zone has seconds, ISO 8601 write it."""
    return datetime(2000, 1, 1, tzinfo=timezone(timedelta(seconds=seconds))).isoformat()[19:]
