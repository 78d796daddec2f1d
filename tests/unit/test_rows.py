"""Which rows each event adds to ClickHouse: written out by hand, and the same however the log is cut into batches."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from projections.ledger.rows import NO_DAY, project, tally
from registry.errors import UndecodableEvent
from registry.instant import to_ms
from registry.keys.details import KeyDetails
from registry.keys.events import (
    AdminTokenCreated,
    CredentialRevoked,
    Event,
    ExpirationChanged,
    IssuedCredential,
    KeyCreated,
    KeyDescribed,
    KeyImported,
    KeyResumed,
    KeyRevoked,
    KeyRotated,
    KeySuspended,
    TagsChanged,
)
from registry.log import codec
from registry.log.event_log import RecordedEvent
from registry.usage.events import AnchoredDay, UsageAnchored
from tests.support.ledger.workload import JOURNAL
from tests.support.records import NOON, record

KEY = "k3yPubl1cId0"
NOON_MS = to_ms(NOON)
LATER = NOON + timedelta(hours=1)
LATER_MS = NOON_MS + 3_600_000
LATER_US = LATER_MS * 1000


def log() -> list[RecordedEvent]:
    """One event of each kind; the fifth is backdated."""
    issued = IssuedCredential(KEY, "c" * 64)
    events: list[tuple[str, Event]] = [
        (
            f"key-{KEY}",
            KeyCreated(KEY, {"a": "1", "b": "2"}, KeyDetails("x", "o", "w"), LATER, issued),
        ),
        (f"key-{KEY}", KeyDescribed("y")),
        (f"key-{KEY}", ExpirationChanged(None)),
        ("token-t", AdminTokenCreated("t", "n", ("admin",), "c" * 64, None, None)),
        (f"key-{KEY}", TagsChanged({"a": "3"}, ("b",))),
        (f"key-{KEY}", KeyRevoked()),
    ]
    made = []
    for position, (stream, event) in enumerate(events, start=1):
        new = codec.encode(event)
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


def at(position: int, event: Event) -> RecordedEvent:
    """An event of the key, recorded and effective an hour after noon."""
    new = codec.encode(event)
    return record(
        position=position,
        stream=f"key-{KEY}",
        type=new.type,
        payload=new.payload,
        recorded_at=LATER,
        effective_at=LATER,
    )


def test_a_suspension_and_a_resumption_are_rows_of_the_keys_life() -> None:
    rows = project([at(2, KeySuspended()), at(3, KeyResumed())])
    assert rows.life == [
        (KEY, LATER_MS, 2, "suspended", None, LATER_US),
        (KEY, LATER_MS, 3, "resumed", None, LATER_US),
    ]
    assert (rows.tag_changes, rows.credentials) == ([], [])


def test_a_rotation_makes_a_credential_of_the_key_and_limits_the_retired_ones() -> None:
    end = LATER + timedelta(minutes=5)
    rows = project([
        at(2, KeyRotated(IssuedCredential("r0tatedPubl1", "d" * 64), (KEY, "an0therPubl1"), end, compromised=False)),
        at(3, CredentialRevoked(KEY)),
    ])  # fmt: skip
    assert rows.credentials == [
        ("r0tatedPubl1", KEY, LATER_MS, 2, "created", None, LATER_US),
        (KEY, KEY, LATER_MS, 2, "expiration", LATER_MS + 300_000, LATER_US),
        ("an0therPubl1", KEY, LATER_MS, 2, "expiration", LATER_MS + 300_000, LATER_US),
        (KEY, KEY, LATER_MS, 3, "revoked", None, LATER_US),
    ]
    assert (rows.tag_changes, rows.life) == ([], [])


def test_an_imported_key_that_was_disabled_ends_when_the_gateway_disabled_it() -> None:
    issued, end = IssuedCredential(KEY, "c" * 64), LATER + timedelta(days=2)
    disabled = KeyImported(KEY, {"a": "1"}, KeyDetails(None, "o", "w"), LATER, end, issued, "tensorzero")
    working = KeyImported(KEY, {"a": "1"}, KeyDetails(None, "o", "w"), LATER, None, issued, "tensorzero")
    rows = project([at(1, disabled)])
    assert rows.tag_changes == [("a", KEY, LATER_MS, 1, "1", LATER_US)]
    created = (KEY, LATER_MS, 1, "created", LATER_MS, LATER_US)
    assert rows.life == [created, (KEY, LATER_MS + 2 * 86_400_000, 1, "revoked", None, LATER_US)]
    assert rows.credentials == [(KEY, KEY, LATER_MS, 1, "created", None, LATER_US)]
    assert project([at(1, working)]).life == [created]


def test_an_anchor_gives_a_row_and_one_for_each_of_its_days_late_years_and_no_day_too() -> None:
    days = (
        AnchoredDay("1970-01-02", 3, 2, 10, 20, 1, 2, "0.10", "0" * 31 + "f"),
        AnchoredDay("+10889-08-02", 1, 1, 0, 0, 0, 0, "0", "f" * 32),
        AnchoredDay(None, 0, 0, 0, 0, 0, 0, "-1", "0" * 32),
    )
    new = codec.encode(UsageAnchored(str(JOURNAL), 9, 2, 2, days))
    recorded = record(stream="usage-tensorzero", type=new.type, payload=new.payload, recorded_at=LATER, position=7)
    rows = project([recorded])
    assert rows.anchors == [("tensorzero", JOURNAL, 9, 7, 2, 2, LATER_US)]
    where = ("tensorzero", JOURNAL)
    assert rows.anchor_days == [
        (*where, 1, 9, 7, 3, 2, 10, 20, 1, 2, Decimal("0.10"), 15),
        (*where, 3_257_812, 9, 7, 1, 1, 0, 0, 0, 0, Decimal(0), 2**128 - 1),
        (*where, NO_DAY, 9, 7, 0, 0, 0, 0, 0, 0, Decimal(-1), 0),
    ]
    assert tally(rows, [7, 8]) == [(7, 0, 0, 0, 1, 3, 0), (8, 0, 0, 0, 0, 0, 0)]


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
