"""Instants: RFC 3339 text, effective times in whole milliseconds, and UTC output.

An effective time (`effective_at`, `expiration`, `revoked_at`, `created_at`, a bill's `since` and `until`) is an aware
`datetime` in UTC, truncated to whole milliseconds as in a UUIDv7. `recorded_at` keeps microseconds. Pure: nothing here
reads a clock.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)

# RFC 3339 section 5.6 date-time. The offset is required; a fraction may have any length and is truncated to
# microseconds.
_RFC3339 = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(?:\.(\d{1,32}))?([Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)", re.ASCII
)


def parse_instant(text: str) -> datetime:
    """Parse an RFC 3339 text as an effective time: aware, UTC, truncated (never rounded) to the millisecond.

    Raises ValueError, with a message fit for a user, if the text is not RFC 3339 with an offset, is not a real date, or
    is outside the years 1970 to 9999.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError("must be an RFC 3339 time with an offset, as 2026-03-01T00:00:00Z")
    date, clock, fraction, offset = match.groups()
    micros = (fraction or "")[:6].ljust(6, "0")
    offset = "+00:00" if offset in "Zz" else offset
    try:
        instant = datetime.fromisoformat(f"{date}T{clock}.{micros}{offset}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("is not a real date and time") from None
    if instant < EPOCH:
        raise ValueError("must not be before 1970-01-01T00:00:00Z")
    return cut_ms(instant)


def cut_ms(instant: datetime) -> datetime:
    """The instant, truncated to the millisecond."""
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def to_ms(instant: datetime) -> int:
    """Whole milliseconds since 1970-01-01T00:00:00Z, truncated; exact for every year."""
    return (instant - EPOCH) // MILLISECOND


def from_ms(ms: int) -> datetime:
    """The UTC instant of milliseconds since the epoch. Raises OverflowError after the year 9999."""
    return EPOCH + timedelta(milliseconds=ms)


def to_us(instant: datetime) -> int:
    """Whole microseconds since 1970-01-01T00:00:00Z; exact."""
    return (instant - EPOCH) // timedelta(microseconds=1)


def from_us(us: int) -> datetime:
    """The UTC instant of microseconds since the epoch."""
    return EPOCH + timedelta(microseconds=us)


def format_ms(instant: datetime) -> str:
    """An effective time as responses show it: 2026-03-01T00:00:00.000Z."""
    return instant.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def format_us(instant: datetime) -> str:
    """A recorded time as responses show it: 2026-03-01T00:00:00.000000Z."""
    return instant.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
