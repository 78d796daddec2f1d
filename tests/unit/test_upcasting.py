"""A type gets a second version: what was written before it is read as ever, and the two live in one log."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from projections.ledger.rows import project
from registry.errors import UndecodableEvent
from registry.instant import to_us
from registry.keys import events
from registry.keys.events import Event
from registry.keys.state import KeyState, Register
from registry.log import codec, stream_state
from registry.log.codec import Encoded, Upcaster, Wire
from registry.log.event_log import RecordedEvent
from tests.support.golden_log import FOLDER
from tests.support.records import NOON, record

STREAM = "key-k3yPubl1cId0"
FIRST_MS = to_us(NOON) // 1000 + 1000
STORY = ("KeyCreated.v1", "TagsChanged.v1", "KeyDescribed.v1", "ExpirationChanged.v1.never", "KeyRevoked.v1")


class TagsChanged(events.TagsChanged, frozen=True, rename={"set": "put", "remove": "drop"}):
    """The second version: its members have other names, and it must say which ticket asked for it."""

    set: dict[str, str]
    remove: tuple[str, ...]
    ticket: str | None


def to_version_2(fields: dict[str, Any]) -> dict[str, Any]:
    """Before tickets were asked for, there was none."""
    return {"put": fields["set"], "drop": fields["remove"], "ticket": None}


def wire_of(kind: type[Event], version: int, upcasters: dict[tuple[str, int], Upcaster]) -> Wire:
    """Today's versions, but one type's."""
    others = {known: number for known, number in codec.CURRENT.items() if known.__name__ != kind.__name__}
    return Wire(others | {kind: version}, codec.UPCASTERS | upcasters)


SECOND = wire_of(TagsChanged, 2, {("TagsChanged", 1): to_version_2})


@pytest.fixture
def second(monkeypatch: pytest.MonkeyPatch) -> None:
    """The registry as it would be with the second version."""
    monkeypatch.setattr(codec, "encode", SECOND.encode)
    monkeypatch.setattr(codec, "decode", SECOND.decode)


def recorded(position: int, new: Encoded) -> RecordedEvent:
    """An event of the key, as many seconds after noon as its position says."""
    at = NOON + timedelta(seconds=position)
    return record(
        stream=STREAM,
        position=position,
        version=position,
        type=new.type,
        schema_version=new.schema_version,
        payload=new.payload,
        recorded_at=at,
        effective_at=at,
    )


def golden_story() -> list[RecordedEvent]:
    """A key's life in the bytes of the golden files, all of version 1."""
    payloads = [(FOLDER / "events" / f"{name}.json").read_bytes() for name in STORY]
    return [
        recorded(position, Encoded(name.split(".")[0], 1, payload))
        for position, (name, payload) in enumerate(zip(STORY, payloads, strict=True), start=1)
    ]


def mixed_story() -> list[RecordedEvent]:
    """Version 1, then 2, then, from a process that was not upgraded yet, 1 again."""
    first = golden_story()[:2]
    newer = SECOND.encode(TagsChanged({"project_id": "p-8", "env": "prod"}, ("Größe",), "ticket 4711"))
    older = Encoded("TagsChanged", 1, b'{"remove":["env"],"set":{"team":"blue"}}')
    return [*first, recorded(3, newer), recorded(4, older)]


def test_golden_events_of_the_first_version_fold_to_the_same_state(monkeypatch: pytest.MonkeyPatch) -> None:
    before = stream_state.fold(golden_story())
    monkeypatch.setattr(codec, "decode", SECOND.decode)
    after = stream_state.fold(golden_story())
    assert isinstance(after, KeyState)
    assert after == before
    assert after.tags(after.revoked_at or NOON) == {"Größe": "ä€😀", 'a"b\\c/': "</script>", "project_id": "p-7"}
    assert after.registers["customer_id"] == Register(FIRST_MS + 1000, 2, None)
    assert (after.details.description, after.expiration, after.version) == ("production", None, 5)
    assert after.revoked_at == NOON + timedelta(seconds=5)


def test_golden_events_of_the_first_version_project_to_the_same_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    before = project(golden_story())
    monkeypatch.setattr(codec, "decode", SECOND.decode)
    after = project(golden_story())
    assert after == before
    us = to_us(NOON) + 2_000_000
    assert [row for row in after.tag_changes if row[3] == 2] == [
        ("project_id", "k3yPubl1cId0", FIRST_MS + 1000, 2, "p-7", us),
        ("customer_id", "k3yPubl1cId0", FIRST_MS + 1000, 2, None, us),
        ("env", "k3yPubl1cId0", FIRST_MS + 1000, 2, None, us),
    ]


@pytest.mark.usefixtures("second")
def test_a_log_of_both_versions_folds_and_projects_in_the_order_of_its_positions() -> None:
    story = mixed_story()
    assert [(event.type, event.schema_version) for event in story] == [
        ("KeyCreated", 1),
        ("TagsChanged", 1),
        ("TagsChanged", 2),
        ("TagsChanged", 1),
    ]
    assert story[2].payload.decode() == (
        '{"drop":["Größe"],"put":{"env":"prod","project_id":"p-8"},"ticket":"ticket 4711"}'
    )
    state = stream_state.fold(story)
    assert isinstance(state, KeyState)
    assert state.tags(NOON) == {'a"b\\c/': "</script>", "project_id": "p-8", "team": "blue"}
    assert [(row[0], row[3], row[4]) for row in project(story).tag_changes if row[3] > 2] == [
        ("env", 3, "prod"),
        ("project_id", 3, "p-8"),
        ("Größe", 3, None),
        ("team", 4, "blue"),
        ("env", 4, None),
    ]


@pytest.mark.usefixtures("second")
def test_a_version_from_the_future_stops_whoever_reads_it_and_is_named_by_position() -> None:
    story = [*mixed_story(), recorded(5, Encoded("TagsChanged", 3, b'{"changes":{"a":"b"}}'))]
    for read in (stream_state.fold, project):
        with pytest.raises(UndecodableEvent, match=r"^the event at position 5 \(TagsChanged v3\) does not decode$"):
            read(story)


def test_a_registry_of_the_first_version_stops_at_the_second() -> None:
    with pytest.raises(UndecodableEvent, match=r"position 3 \(TagsChanged v2\)"):
        stream_state.fold(mixed_story())


@pytest.mark.usefixtures("second")
@pytest.mark.parametrize("payload", [b'{"set":{"a":1},"remove":[]}', b'{"set":{}}', b"[]", b"{", b"[" * 100_000])
def test_an_old_payload_that_is_none_of_its_version_is_told_by_position(payload: bytes) -> None:
    with pytest.raises(UndecodableEvent, match=r"position 7 \(TagsChanged v1\)"):
        codec.decode(recorded(7, Encoded("TagsChanged", 1, payload)))


def test_an_event_of_the_first_version_goes_through_every_version_up_to_today() -> None:
    class KeyDescribed(events.KeyDescribed, frozen=True, rename={"description": "words"}):
        description: str | None

    upcasters: dict[tuple[str, int], Upcaster] = {
        ("KeyDescribed", 1): lambda fields: {"text": fields["description"]},
        ("KeyDescribed", 2): lambda fields: {"words": fields["text"]},
    }
    third = wire_of(KeyDescribed, 3, upcasters)
    for version, payload in enumerate((b'{"description":"x"}', b'{"text":"x"}', b'{"words":"x"}'), start=1):
        assert third.decode(recorded(1, Encoded("KeyDescribed", version, payload))) == KeyDescribed("x")


def test_a_version_without_the_way_from_the_one_before_is_refused_at_once() -> None:
    with pytest.raises(KeyError, match="TagsChanged"):
        wire_of(TagsChanged, 2, {})
