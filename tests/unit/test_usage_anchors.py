"""Anchors of usage: cut into parts that are appended together, and refused where they are none."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from registry.auth import SYSTEM
from registry.errors import FieldsRefused
from registry.log import codec
from registry.log.memory import MemoryEventLog
from registry.usage.anchors import UsageAnchors
from registry.usage.days import day_number, day_text
from registry.usage.events import MAX_COUNT, AnchoredDay, UsageAnchored, parts_of

JOURNAL = UUID("0195f8a4-7c1e-7d43-9b0a-2f6c8e1d5a90")
# The last instant that a UUIDv7 can name.
LAST_DAY = (2**48 - 1) // 86_400_000


def days(count: int) -> list[AnchoredDay]:
    """So many days from 1970 on, each with one row."""
    return [AnchoredDay(day_text(number), 1, 1, 2, 3, 0, 0, "0.5", "0" * 32) for number in range(count)]


@pytest.mark.parametrize(("count", "parts"), [(0, 1), (1, 1), (1000, 1), (1001, 2), (2500, 3)])
async def test_an_anchor_is_one_append_of_parts_that_hold_every_day_once(count: int, parts: int) -> None:
    log = MemoryEventLog()
    written = await UsageAnchors(log).anchor_usage("tensorzero", parts_of(JOURNAL, 4, days(count)))
    events = [codec.decode(recorded) for recorded in written.events]
    assert [recorded.position for recorded in written.events] == list(range(1, parts + 1))
    assert {(recorded.stream, recorded.actor) for recorded in written.events} == {("usage-tensorzero", SYSTEM)}
    found = [one for one in events if isinstance(one, UsageAnchored)]
    assert [(one.part, one.parts, one.batch) for one in found] == [(n, parts, 4) for n in range(1, parts + 1)]
    assert [day for one in found for day in one.days] == days(count)


ONE = parts_of(JOURNAL, 4, days(1))[0]
CHANGES: list[tuple[dict[str, Any], str]] = [
    ({"rows": -1}, "is no part of an anchor"),
    ({"input_tokens": MAX_COUNT + 1}, "is no part of an anchor"),
    ({"day": "2026-02-30"}, "2026-02-30 day is out"),
    ({"day": "2026-3-1"}, "is no day"),
    ({"cost_usd": "1E-9"}, "cost_usd must be a plain decimal"),
    ({"cost_usd": "0.0000000001"}, "cost_usd must be a plain decimal"),
    ({"fingerprint": "AB" * 16}, "fingerprint must be 32"),
]
BAD: list[tuple[list[UsageAnchored], str]] = [
    ([], "parts must be at least one"),
    ([replace(ONE, parts=2)], r"parts\.1 must be numbered 1 of 1"),
    ([replace(ONE, parts=2), replace(ONE, part=2, parts=2, batch=5)], r"parts\.2 must be of the same journal"),
    ([replace(ONE, journal="x")], r"parts\.1\.journal must be a UUID"),
    ([replace(ONE, batch=0)], r"parts\.1 is no part of an anchor"),
    ([replace(ONE, days=tuple(days(1001)))], r"parts\.1 is no part of an anchor"),
    *(
        ([replace(ONE, days=(replace(ONE.days[0], **change),))], why)
        for change, why in CHANGES
    ),
]  # fmt: skip


@pytest.mark.parametrize(("parts", "why"), BAD)
async def test_what_is_no_anchor_is_refused_by_field_and_nothing_is_appended(
    parts: list[UsageAnchored], why: str
) -> None:
    log = MemoryEventLog()
    with pytest.raises(FieldsRefused, match=why):
        await UsageAnchors(log).anchor_usage("tensorzero", parts)
    assert (await log.head()).position == 0


@pytest.mark.parametrize("source", ["", "TensorZero", "a-b", "a" * 64])
async def test_a_source_has_the_name_of_a_gateway(source: str) -> None:
    with pytest.raises(FieldsRefused, match="source must be"):
        await UsageAnchors(MemoryEventLog()).anchor_usage(source, [ONE])


@given(st.integers(0, LAST_DAY))
def test_every_day_of_a_uuid_has_a_text_of_its_own(number: int) -> None:
    assert day_number(day_text(number)) == number


def test_days_are_those_of_the_calendar_also_after_the_year_9999() -> None:
    assert [day_text(number) for number in (0, 20_513, 2_932_896, 2_932_897, LAST_DAY)] == [
        "1970-01-01",
        "2026-03-01",
        "9999-12-31",
        "+10000-01-01",
        "+10889-08-02",
    ]
