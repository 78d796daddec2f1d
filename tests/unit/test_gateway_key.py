"""What of a gateway's row can be a key of ours, and what the log is asked for then."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateways.tensorzero.importing.gateway_key import GatewayKey, command, faults
from registry.instant import to_us
from registry.keys.details import KeyDetails
from registry.log import chain

NOW = datetime(2026, 6, 1, tzinfo=UTC)
NOW_US = to_us(NOW)
GOOD = GatewayKey("AAAAAAAAAAA1", KeyDetails(), "0af9" * 16, NOW_US - 1_234_567, None, None)


def with_value(column: str, value: object) -> GatewayKey:
    """A good row but for one column."""
    if column in KeyDetails.__struct_fields__:
        return replace(GOOD, details=KeyDetails(**{column: value}))  # type: ignore[arg-type]
    return replace(GOOD, **{column: value})  # type: ignore[arg-type]


def test_a_good_row_asks_for_its_key_in_whole_milliseconds() -> None:
    row = replace(GOOD, details=KeyDetails("mine"), disabled_us=NOW_US + 1_999, expires_us=NOW_US - 1)
    assert faults(row, NOW) == []
    asked = command(row, {"customer_id": "acme"})
    assert (asked.credential.credential_id, asked.credential.commitment) == (
        "AAAAAAAAAAA1",
        chain.commitment("0af9" * 16),
    )
    assert (asked.tags, asked.details, asked.source) == (
        {"customer_id": "acme"},
        KeyDetails("mine"),
        "tensorzero",
    )
    assert asked.created_at == NOW - timedelta(milliseconds=1235)
    assert asked.disabled_at == NOW + timedelta(milliseconds=1)
    assert asked.expiration == NOW - timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("public_id", "short", "must be 12 ASCII letters and digits"),
        ("public_id", "AAAAAAAAAAAé", "must be 12 ASCII letters and digits"),
        ("public_id", "AAAAAAAAAAA1\n", "must be 12 ASCII letters and digits"),
        ("public_id", "AAAAAAAAAA-1", "must be 12 ASCII letters and digits"),
        ("hash", "0AF9" * 16, "must be 64 lower-case hexadecimal digits"),
        ("hash", "0af9" * 16 + " ", "must be 64 lower-case hexadecimal digits"),
        ("hash", "", "must be 64 lower-case hexadecimal digits"),
        ("organization", "", "must be 1 to 200 characters"),
        ("organization", "o" * 201, "1 to 200 characters"),
        ("workspace", "a\nb", "must not contain control characters"),
        ("description", "d" * 2001, "at most 2000 characters"),
        ("description", "a\x07b", "must not contain control characters, but newline and tab"),
        ("created_us", NOW_US + 1, "is in the future; it is 2026-06-01T00:00:00.000Z now"),
        ("created_us", -1, "must be an instant of the years 1970 to 9999"),
        ("disabled_us", -1, "must be an instant of the years 1970 to 9999"),
        ("expires_us", 253_402_300_800_000_000, "must be an instant of the years 1970 to 9999"),
        ("expires_us", 2**63 + 10**15, "must be an instant of the years 1970 to 9999"),
    ],
)
def test_what_is_wrong_is_said_by_its_column_without_its_value(column: str, value: object, words: str) -> None:
    (fault,) = faults(with_value(column, value), NOW)
    assert fault.field == column.replace("_us", "_at")
    assert words in fault.message
    assert str(value) not in fault.message or value == ""


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("public_id", "abcDEF123456"),
        ("organization", "Ärzte ohne Grenzen"),
        ("organization", "o" * 200),
        ("description", ""),
        ("description", "two\n\tlines"),
        ("description", "d" * 2000),
        ("created_us", 0),
        ("created_us", NOW_US),
        ("disabled_us", NOW_US + 10**15),
        ("expires_us", 253_402_300_799_999_999),
        ("expires_us", 0),
    ],
)
def test_what_is_at_a_limit_is_taken(column: str, value: object) -> None:
    row = with_value(column, value)
    assert faults(row, NOW) == []
    command(row, {})


def test_everything_that_is_wrong_is_said_together() -> None:
    row = replace(GOOD, public_id="x", hash="y", details=KeyDetails(organization=""), expires_us=-5)
    assert [fault.field for fault in faults(row, NOW)] == ["public_id", "hash", "organization", "expires_at"]


def test_a_row_never_shows_its_hash() -> None:
    assert GOOD.hash not in repr(GOOD)
