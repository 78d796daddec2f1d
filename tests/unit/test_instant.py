"""Instants are cut, never rounded; an offset is required; what names no real instant is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.instant import EPOCH, cut_ms, format_ms, format_us, from_ms, parse_instant, to_ms, to_us

INSTANTS = st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026-03-01T00:00:00Z", "2026-03-01T00:00:00.000Z"),
        ("2026-03-01t00:00:00z", "2026-03-01T00:00:00.000Z"),
        ("2026-03-01T00:00:00.1239999999Z", "2026-03-01T00:00:00.123Z"),
        ("2026-03-01T00:00:00.9999Z", "2026-03-01T00:00:00.999Z"),
        ("2026-03-01T00:00:00.5Z", "2026-03-01T00:00:00.500Z"),
        ("2026-03-01T00:00:00+01:00", "2026-02-28T23:00:00.000Z"),
        ("2026-03-01T00:00:00-00:00", "2026-03-01T00:00:00.000Z"),
        ("2026-03-01T05:45:00+05:45", "2026-03-01T00:00:00.000Z"),
        ("2024-02-29T23:59:59.999999-23:59", "2024-03-01T23:58:59.999Z"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"),
        ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
    ],
)
def test_an_instant_is_read_with_its_offset_and_cut_to_the_millisecond(text: str, shown: str) -> None:
    instant = parse_instant(text)
    assert format_ms(instant) == shown
    assert instant.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "text",
    [
        *("", "now", "2026-03-01", "2026-03-01T00:00:00", "2026-03-01 00:00:00Z", "2026-03-01T00:00Z"),
        *("2026-03-01T00:00:00.Z", "2026-03-01T00:00:00,5Z", "2026-03-01T00:00:00+0100", "2026-03-01T00:00:00+1"),
        *("2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-03-01T24:00:00Z", "2026-03-01T00:00:60Z"),
        *("1969-12-31T23:59:59.999Z", "1970-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "0000-01-01T00:00:00Z"),
        *("+2026-03-01T00:00:00Z", "20260301T000000Z", "2026-03-01T00:00:00Z ", "٢٠٢٦-03-01T00:00:00Z", "1e9"),
        *("2026-03-01T00:00:00+24:00", "2026-03-01T00:00:00+00:60", "2026-03-01T00:00:00UTC", "2026-W09-7T00:00:00Z"),
        "2026-03-01T00:00:00." + "1" * 33 + "Z",
    ],
)
def test_what_is_no_instant_with_an_offset_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(must|is not)"):
        parse_instant(text)


@given(INSTANTS, st.integers(-1439, 1439))
def test_every_offset_of_an_instant_reads_as_the_same_millisecond(instant: datetime, minutes: int) -> None:
    local = instant.astimezone(timezone(timedelta(minutes=minutes))) if 1970 < instant.year < 9999 else instant
    assert parse_instant(local.isoformat()) == cut_ms(instant) == parse_instant(format_us(instant))


@given(INSTANTS)
def test_milliseconds_and_microseconds_are_exact_for_every_year(instant: datetime) -> None:
    assert from_ms(to_ms(instant)) == cut_ms(instant) <= instant < cut_ms(instant) + timedelta(milliseconds=1)
    assert EPOCH + timedelta(microseconds=to_us(instant)) == instant
    assert to_ms(instant) == to_us(instant) // 1000
