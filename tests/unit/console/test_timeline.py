"""Which value a tag had when, of edits in any order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from keyledger.client.model.keys import HistoryEvent
from keyledger.console.keys.timeline import Span, picture, spans

START = datetime(2026, 3, 1, tzinfo=UTC)


def event(at: int, kind: str, recorded_day: int, effective_day: int, **data: Any) -> HistoryEvent:
    """An event of a key, recorded and in effect on days of March."""
    recorded, effective = (START + timedelta(days=day) for day in (recorded_day, effective_day))
    return HistoryEvent(at, at, kind, recorded, effective, "token-a", None, None, data)


def changed(position: int, recorded_day: int, effective_day: int, **tags: str | None) -> HistoryEvent:
    """An edit of tags; None removes one."""
    kept = {name: value for name, value in tags.items() if value is not None}
    removed = [name for name, value in tags.items() if value is None]
    return event(position, "TagsChanged", recorded_day, effective_day, set=kept, remove=removed)


def shown(found: list[Span]) -> list[tuple[str, str | None, int, int | None, str]]:
    """Spans with days for instants."""
    return [
        (one.name, one.value, (one.since - START).days, (one.until - START).days if one.until else None, one.origin)
        for one in found
    ]


def test_an_edit_that_is_backdated_ends_where_a_later_one_begins() -> None:
    events = [
        event(1, "KeyCreated", 0, 0, tags={"customer": "acme"}),
        changed(2, 10, 10, customer="globex"),
        changed(3, 12, 5, customer="initech"),
    ]
    assert shown(spans(events)) == [
        ("customer", "acme", 0, 5, "when recorded"),
        ("customer", "initech", 5, 10, "backdated"),
        ("customer", "globex", 10, None, "when recorded"),
    ]


def test_at_one_instant_the_higher_position_wins() -> None:
    events = [changed(2, 3, 3, a="1"), changed(1, 3, 3, a="2")]
    assert shown(spans(events)) == [("a", "1", 3, None, "when recorded")]


def test_a_removed_tag_has_a_span_without_a_value_and_one_that_never_was_has_none() -> None:
    events = [changed(1, 1, 1, gone=None), changed(2, 2, 2, a="1"), changed(3, 4, 4, a=None)]
    assert shown(spans(events)) == [("a", "1", 2, 4, "when recorded"), ("a", None, 4, None, "when recorded")]


def test_a_scheduled_change_is_shown_unless_it_was_cancelled() -> None:
    events = [changed(1, 1, 1, a="1"), changed(2, 2, 20, a="2"), changed(3, 3, 30, a="3")]
    events.append(event(4, "ScheduledChangeCancelled", 4, 4, scheduled_position=3))
    assert shown(spans(events)) == [("a", "1", 1, 20, "when recorded"), ("a", "2", 20, None, "scheduled")]


def test_the_picture_is_to_scale_and_one_value_keeps_its_colour() -> None:
    events = [changed(1, 0, 0, a="x"), changed(2, 10, 10, a="y"), changed(3, 20, 20, a="x")]
    drawn = picture(spans(events), START + timedelta(days=40))
    assert drawn is not None
    ((name, bars),) = drawn.rows
    assert (name, [bar.colour for bar in bars]) == ("a", [0, 1, 0])
    assert abs(bars[1].width - 1000 * 10 / 41.6) < 0.2
    assert abs(bars[0].x + bars[0].width - bars[1].x) < 0.2
    assert bars[-1].x + bars[-1].width <= 1000.1
    assert picture([], START) is None
