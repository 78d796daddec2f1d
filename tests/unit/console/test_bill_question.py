"""The question of a bill survives its own address, and a month is from local midnight to local midnight."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import pytest
from starlette.datastructures import QueryParams

from keyledger.console.bills.periods import Period, before, month_after, words, zone_of
from keyledger.console.bills.question import BillQuestion, read_question

_NOW: Final = datetime(2026, 3, 31, 23, 30, tzinfo=UTC)


def _read(query: str) -> BillQuestion:
    return read_question(QueryParams(query), _NOW)


def test_no_question_is_this_month_by_customer() -> None:
    asked = _read("")
    assert (asked.month, asked.group_by, asked.is_default) == ("2026-03", ("customer_id",), True)
    assert asked.period == Period(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC), "2026-03")
    assert _read("time_zone=Europe/Berlin").month == "2026-04"


def test_a_month_with_a_change_of_the_clock_is_an_hour_shorter() -> None:
    asked = _read("month=2026-03&time_zone=Europe/Berlin")
    assert asked.instants.since == datetime(2026, 2, 28, 23, tzinfo=UTC)
    assert asked.instants.until == datetime(2026, 3, 31, 22, tzinfo=UTC)
    assert (
        words(asked.instants.since, asked.instants.until, "Europe/Berlin") == "2026-03-01 to 2026-04-01, Europe/Berlin"
    )


@pytest.mark.parametrize(
    "query",
    [
        "",
        "month=2026-02&group_by=",
        "month=2026-02&group_by=customer_id%2C+model&tag=a:b&tag=c:d%26e&known_at=7&usage_known_at=5",
        "since=2026-02-01&until=2026-02-03T12:00:00Z&time_zone=Asia/Tokyo&group_by=model",
        "month=2026-02&group_by=cost,centre&group_by=",
        "month=2026-02&group_by=model&key=abcDEF123456",
    ],
)
def test_an_address_asks_the_same(query: str) -> None:
    asked = _read(query)
    again = _read(asked.address().partition("?")[2])
    assert again.call() == asked.call()
    assert again.address() == asked.address()


def test_names_of_several_fields_are_whole_and_of_one_are_split() -> None:
    assert _read("group_by=a, b,,").group_by == ("a", "b")
    assert _read("group_by=a,b&group_by=").group_by == ("a,b",)
    assert _read("group_by=a,b&group_by=").group_fields() == ["a,b", ""]


def test_what_is_no_period_says_so_by_its_field() -> None:
    assert set(_read("month=2026-13").faults) == {"month"}
    assert set(_read("since=2026-03-01").faults) == {"until"}
    assert set(_read("since=soon&until=0001-01-01T00:00:00%2B14:00").faults) == {"since", "until"}
    assert _read("since=2026-03-01&until=2026-03-02&month=2026-01").month == ""


def test_before_a_month_is_the_month_before_and_before_two_days_are_two_days() -> None:
    zone = zone_of("Europe/Berlin")
    assert before(_read("month=2026-01&time_zone=Europe/Berlin").instants, zone).month == "2025-12"
    days = before(_read("since=2026-03-03&until=2026-03-05").instants, zone_of("UTC"))
    assert (days.since, days.until) == (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC))
    assert (month_after("2026-12"), month_after("2026-01", -1)) == ("2027-01", "2025-12")


def test_a_zone_that_is_none_is_left_to_the_api() -> None:
    for name in ("Mars", "../etc/passwd", "America", "", "\x00"):
        assert zone_of(name) == zone_of("UTC")


def test_a_line_is_named_as_the_api_wants_it() -> None:
    asked = _read("month=2026-02&group_by=customer_id,model&tag=a:b")
    assert "by=customer_id%3Aacme&by=model" in asked.line_address({"customer_id": "acme", "model": None}, "keyed")
    assert "bucket=orphan" in asked.bucket_address("orphan")
    assert "tag=" not in asked.bucket_address("orphan")
