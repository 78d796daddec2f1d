"""The period that a form means: a month of a zone, or two instants or local days. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

_MONTH: Final = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
_YEARS: Final = range(1970, 9999)


class NoPeriod(Exception):
    """A text that is none, by the field that it was in."""

    def __init__(self, field: str, message: str) -> None:
        self.field, self.message = field, message
        super().__init__(f"{field} {message}")


@dataclass(frozen=True, slots=True)
class Period:
    """From an instant to another. `month` where it is one, from local midnight to local midnight."""

    since: datetime
    until: datetime
    month: str | None = None


def zone_of(name: str) -> ZoneInfo:
    """The zone, or UTC where there is none of the name: the API says that it is wrong."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def month_at(at: datetime, zone: ZoneInfo) -> str:
    """The month of an instant."""
    return f"{at.astimezone(zone):%Y-%m}"


def of_month(month: str, zone: ZoneInfo, field: str = "month") -> Period:
    """The period of a month. Raises NoPeriod."""
    found = _MONTH.fullmatch(month)
    if found is None or int(found[1]) not in _YEARS:
        raise NoPeriod(field, "must be a year and a month, such as 2026-03")
    since, until = (datetime(*one, 1, tzinfo=zone).astimezone(UTC) for one in (_moved(month, 0), _moved(month, 1)))
    return Period(since, until, month)


def month_after(month: str, by: int = 1) -> str:
    """The month so many later; earlier where `by` is negative."""
    year, number = _moved(month, by)
    return f"{year:04}-{number:02}"


def has_both(month: str) -> bool:
    """Whether there is a month before it and one after it."""
    return all(_moved(month, by)[0] in _YEARS for by in (-1, 2))


def instant_of(text: str, zone: ZoneInfo, field: str) -> datetime:
    """A day or an instant; without an offset it is local. Raises NoPeriod."""
    try:
        at = datetime.fromisoformat(text)
        at = (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        at = None
    if at is None or at.year not in _YEARS:
        raise NoPeriod(field, "must be a day such as 2026-03-01, or an instant such as 2026-03-01T12:00:00Z")
    return at


def words(since: datetime, until: datetime, zone_name: str) -> str:
    """A period as its own zone has it, whatever zone the viewer is in."""
    zone = zone_of(zone_name)
    ends = (at.astimezone(zone).replace(tzinfo=None).isoformat(" ") for at in (since, until))
    return f"{' to '.join(_short(end) for end in ends)}, {zone_name}"


def before(period: Period, zone: ZoneInfo) -> Period:
    """The month before a month, or as much time before any other period. Raises NoPeriod where none is left."""
    if period.month is not None:
        return of_month(month_after(period.month, -1), zone, "base_month")
    try:
        since = period.since - (period.until - period.since)
    except OverflowError:
        since = None
    if since is None or since.year not in _YEARS:
        raise NoPeriod("since", "must leave as much time before it")
    return Period(since, period.since)


def _short(local: str) -> str:
    return local.removesuffix(":00").removesuffix(" 00:00")


def _moved(month: str, by: int) -> tuple[int, int]:
    year, number = divmod(int(month[:4]) * 12 + int(month[5:]) - 1 + by, 12)
    return year, number + 1
