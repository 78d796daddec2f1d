"""Which rows each event adds to ClickHouse: written out by hand, and the same however the log is cut into batches."""

from __future__ import annotations

from datetime import timedelta

import pytest

from projections.rows import project
from registry import wire
from registry.errors import UndecodableEvent
from registry.event_log import RecordedEvent
from registry.events import (
    AdminTokenCreated,
    Event,
    ExpirationChanged,
    IssuedCredential,
    KeyCreated,
    KeyDescribed,
    KeyRevoked,
    TagsChanged,
)
from registry.instant import to_ms
from tests.unit.records import NOON, record

KEY = "k3yPubl1cId0"
NOON_MS = to_ms(NOON)
LATER = NOON + timedelta(hours=1)
LATER_MS = NOON_MS + 3_600_000
LATER_US = LATER_MS * 1000


def log() -> list[RecordedEvent]:
    """One event of each kind; the fifth is backdated."""
    events: list[tuple[str, Event]] = [
        (f"key-{KEY}", KeyCreated(KEY, {"a": "1", "b": "2"}, "x", "o", "w", LATER, IssuedCredential(KEY, "c" * 64))),
        (f"key-{KEY}", KeyDescribed("y")),
        (f"key-{KEY}", ExpirationChanged(None)),
        ("token-t", AdminTokenCreated("t", "n", ("admin",), "c" * 64)),
        (f"key-{KEY}", TagsChanged({"a": "3"}, ("b",))),
        (f"key-{KEY}", KeyRevoked()),
    ]
    made = []
    for position, (stream, event) in enumerate(events, start=1):
        new = wire.encode(event)
        made.append(
            record(
                position=position,
                stream=stream,
                type=new.type,
                payload=new.payload,
                recorded_at=LATER,
                effective_at=NOON if position in {1, 5} else LATER,
            )
        )
    return made


def test_each_event_gives_its_rows_with_its_position() -> None:
    rows = project(log())
    assert rows.tag_changes == [
        ("a", KEY, NOON_MS, 1, "1", LATER_US),
        ("b", KEY, NOON_MS, 1, "2", LATER_US),
        ("a", KEY, NOON_MS, 5, "3", LATER_US),
        ("b", KEY, NOON_MS, 5, None, LATER_US),
    ]
    assert rows.life == [
        (KEY, NOON_MS, 1, "created", LATER_MS, LATER_US),
        (KEY, LATER_MS, 3, "expiration", None, LATER_US),
        (KEY, LATER_MS, 6, "revoked", None, LATER_US),
    ]
    assert rows.credentials == [(KEY, KEY, NOON_MS, 1, "created", None, LATER_US)]


def test_another_cut_into_batches_gives_the_same_rows() -> None:
    whole, parts = project(log()), [project([event]) for event in log()]
    for name in ("tag_changes", "life", "credentials"):
        assert getattr(whole, name) == [row for part in parts for row in getattr(part, name)]
    assert [bool(part) for part in parts] == [True, False, True, False, True, True]


def test_no_secret_nor_commitment_reaches_a_row() -> None:
    assert "c" * 64 not in repr(project(log()))


def test_an_event_that_does_not_decode_stops_the_projection() -> None:
    with pytest.raises(UndecodableEvent, match="position 7"):
        project([*log(), record(position=7, type="KeyExploded")])
