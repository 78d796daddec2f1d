"""Bills by hours, days and months of a zone, and what ids from a wrong clock do to them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.support.bill_world import EPOCH, World, instant, key_facts
from tests.support.contracts.bill_contract import KEY, NOON, used

# Half hours and quarters, both hemispheres, no summer time, one of half an hour (Lord Howe), one that begins the day
# at 1 (Cairo, Beirut), one that skipped a day (Apia), one that goes back in winter (Dublin), and one at each end.
ZONES = (
    "Africa/Cairo", "Africa/Casablanca", "America/Caracas", "America/Havana", "America/New_York", "America/Phoenix",
    "America/Santiago", "America/Sao_Paulo", "America/St_Johns", "Asia/Beirut", "Asia/Kathmandu", "Asia/Kolkata",
    "Asia/Pyongyang", "Asia/Tehran", "Asia/Tokyo", "Australia/Adelaide", "Australia/Lord_Howe", "Europe/Berlin",
    "Europe/Dublin", "Europe/Moscow", "Pacific/Apia", "Pacific/Chatham", "Pacific/Kiritimati", "Pacific/Pago_Pago",
)  # fmt: skip
HOUR_MS = 3_600_000


async def test_the_hour_that_the_clocks_repeat_is_two_hours(world: World) -> None:
    """In Berlin on 25 October 2026 02:30 comes twice: at +02:00, an hour later at +01:00; the day has them both."""
    await world.write(key_facts(KEY, 1, NOON))
    first, second = instant("2026-10-25T00:30:00"), instant("2026-10-25T01:30:00")
    await world.serve([*used(first, 1), *used(second, 2)])
    hours = await world.bill(group_by=("hour",), time_zone="Europe/Berlin")
    assert [line["by"]["hour"] for line in hours["lines"]] == ["2026-10-25T02:00:00+01:00", "2026-10-25T02:00:00+02:00"]
    days = await world.bill(group_by=("day", "month"), time_zone="Europe/Berlin")
    assert [(*line["by"].values(), line["inferences"]) for line in days["lines"]] == [("2026-10-25", "2026-10", 2)]


async def test_hours_begin_with_the_local_clock(world: World) -> None:
    """Kathmandu is 5:45 ahead: 12:00 UTC is 17:45 there."""
    await world.write(key_facts(KEY, 1, NOON))
    await world.serve(used(NOON))
    bill = await world.bill(group_by=("hour",), time_zone="Asia/Kathmandu")
    assert [line["by"]["hour"] for line in bill["lines"]] == ["2026-03-01T17:00:00+05:45"]


async def test_local_time_west_of_greenwich_begins_in_1969(world: World) -> None:
    """The first hour of 1970 UTC is 19:00 in New York, on the last day of 1969: no hour or day is rounded up."""
    await world.write(key_facts(KEY, 1, 0))
    await world.serve(used(60_000))
    period: dict[str, Any] = {"since": EPOCH, "until": EPOCH + timedelta(days=1), "time_zone": "America/New_York"}
    bill = await world.bill(group_by=("hour", "day", "month"), **period)
    assert [tuple(line["by"].values()) for line in bill["lines"]] == [
        ("1969-12-31T19:00:00-05:00", "1969-12-31", "1969-12")
    ]


async def test_the_last_hour_of_9999_has_a_day_in_the_east(world: World) -> None:
    """There it is the year 10000 already, which dates have no room for."""
    await world.write(key_facts(KEY, 1, NOON))
    await world.serve(used(instant("9999-12-31T23:30:00")))
    last = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
    bill = await world.bill(group_by=("hour", "day", "month"), until=last, time_zone="Asia/Tokyo")
    assert [tuple(line["by"].values()) for line in bill["lines"]] == [
        ("10000-01-01T08:00:00+09:00", "10000-01-01", "10000-01")
    ]


async def test_rows_dated_after_now_are_named_in_every_bill(world: World) -> None:
    """A wrong clock dates usage into years that nobody asks for: it is counted, and `seen_until` stays of use."""
    await world.write(key_facts(KEY, 1, NOON))
    await world.serve(
        [*used(NOON, 1), *used(instant("2106-02-07T06:28:15"), 2), *used(instant("9999-12-31T00:00:00"), 3)]
    )
    of_wrong_clocks = {"rows": 4, "latest": "9999-12-31T00:00:00.000Z"}
    bill = await world.bill()
    assert (bill["usage"]["rows"], bill["usage"]["after_now"]) == (2, of_wrong_clocks)
    everything = await world.bill(until=datetime(9999, 12, 31, 23, tzinfo=UTC))
    assert (everything["usage"]["rows"], everything["usage"]["after_now"]) == (6, of_wrong_clocks)
    assert everything["usage"]["seen_until"] == "2026-03-01T12:00:00.000Z"


async def test_a_bill_says_by_which_time_zones_it_was_cut(world: World) -> None:
    """The zone that was asked for, and the release of the database of zones: offsets change between two of them."""
    bill = await world.bill(time_zone="Europe/Berlin", tags=(("customer_id", "a:b"),))
    assert (bill["time_zone"], bill["tag"]) == ("Europe/Berlin", ["customer_id:a:b"])
    assert re.fullmatch(r"20\d\d[a-z]+", bill["tzdata_version"])


@pytest.mark.long
async def test_hours_of_24_zones_are_those_of_python(world: World) -> None:
    """A use in the milliseconds around each change of a zone's clock from 2012 to 2024, labelled as `zoneinfo` does.

    The engine knows changes by the quarter of an hour: those that St. John's made at 00:01, until 2011, come early.
    """
    await world.write(key_facts(KEY, 1, 0))
    at = sorted({ms for zone in ZONES for ms in _around_changes(ZoneInfo(zone))})
    await world.serve([row for serial, ms in enumerate(at) for row in used(ms, serial)])
    period: dict[str, Any] = {"since": datetime(2011, 12, 1, tzinfo=UTC), "until": datetime(2025, 1, 1, tzinfo=UTC)}
    for zone in ZONES:
        bill = await world.bill(group_by=("hour", "day"), time_zone=zone, **period)
        found = {tuple(line["by"].values()): line["inferences"] for line in bill["lines"]}
        assert found == _expected(at, ZoneInfo(zone)), zone


def _around_changes(zone: ZoneInfo) -> list[int]:
    """The milliseconds before and at each change of the offset, with the hours around it."""
    first, last = instant("2011-12-01T12:00:00"), instant("2024-12-31T00:00:00")
    offsets = [(day, _local(day, zone).utcoffset()) for day in range(first, last, 24 * HOUR_MS)]
    changed = [day for (day, before), (_, after) in pairwise(offsets) if before != after]
    return [at + extra for day in changed for at in [_change(day, zone)] for extra in (-HOUR_MS, -1, 0, HOUR_MS)]


def _change(day: int, zone: ZoneInfo) -> int:
    """The instant within a day from which another offset holds, by halving."""
    low, high, before = day, day + 24 * HOUR_MS, _local(day, zone).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _local(middle, zone).utcoffset() == before else (low, middle)
    return high


def _local(ms: int, zone: ZoneInfo) -> datetime:
    return (EPOCH + timedelta(milliseconds=ms)).astimezone(zone)


def _expected(at: list[int], zone: ZoneInfo) -> dict[tuple[str, str], int]:
    labels: dict[tuple[str, str], int] = {}
    for local in (_local(ms, zone) for ms in at):
        label = (f"{local:%Y-%m-%dT%H}:00:00{local.isoformat()[-6:]}", f"{local:%Y-%m-%d}")
        labels[label] = labels.get(label, 0) + 1
    return labels
