"""What the console says of events and of the status: nothing goes unnamed, and no text of anybody's becomes markup."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from keyledger.client.model.keys import HistoryEvent
from keyledger.console.admin.health_words import ALARMS, PARTS, STATES
from keyledger.console.answers import text
from keyledger.console.events.rows import Viewer, about_of, kind_of, row_of
from keyledger.console.events.words import NAMES
from keyledger.runtime.watching.part_status import State
from projections.ledger.alarms import AlarmKind
from registry.log.codec import CURRENT
from registry.parts.part import Part

GOLDEN = sorted((Path(__file__).parents[2] / "golden" / "events").glob("*.json"))
AT = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
AUDITOR = Viewer((), {})
ADMIN = Viewer(("keys:read", "prices:read", "admin"), {"t0kenPubl1c0": "portal"})


def event(kind: str = "TagsChanged", **changed: Any) -> HistoryEvent:
    """An event as a history has it."""
    data = changed.pop("data", {"set": {}, "remove": []})
    cut = AT.replace(microsecond=123000)
    made = HistoryEvent(7, 1, kind, AT, cut, "token-t0kenPubl1c0", None, None, data)
    return msgspec.structs.replace(made, **changed)


def row(recorded: HistoryEvent, viewer: Viewer = ADMIN, stream: str = "key-k3yPubl1cId0") -> str:
    """Its row as HTML."""
    return text("events/row.html", event=row_of(recorded, stream, viewer))


def test_every_type_of_event_has_a_name() -> None:
    assert set(NAMES) == {kind.__name__ for kind in CURRENT}


def test_every_alarm_part_and_state_is_in_words() -> None:
    assert set(ALARMS) == set(get_args(AlarmKind))
    assert set(PARTS) == set(get_args(Part))
    assert set(STATES) == set(get_args(State))


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_every_event_that_was_ever_written_is_a_row(path: Path) -> None:
    kind, payload = path.name.split(".")[0], msgspec.json.decode(path.read_bytes())
    shown = row(event(kind, data=payload))
    assert NAMES[kind] in shown
    assert "None" not in shown
    assert "commitment" not in shown


def test_an_event_of_a_newer_version_is_a_row_too() -> None:
    shown = row(event("keyledger.KeyFrozen.v3", data={"until": 3}), stream="thing-9")
    assert "KeyFrozen" in shown
    assert "thing" in shown
    assert kind_of("KeyFrozen") == kind_of("keyledger.KeyFrozen.v3") == "KeyFrozen"
    for kind in NAMES:
        assert row(event(kind, data={}))


def test_texts_are_never_markup() -> None:
    evil = "<script>alert(1)</script>"
    shown = row(
        event(data={"set": {"name": evil}, "remove": [evil]}, reason=evil, on_behalf_of=evil, actor=evil),
        stream=f"key-{evil}",
    )
    assert "<script" not in shown
    shown = row(event("KeyDescribed", data={"description": evil}), Viewer((), {}), f"price-{evil}")
    assert "<script" not in shown


@pytest.mark.parametrize(
    ("later_s", "when"), [(-1, "backdated"), (0, ""), (86_400, "scheduled")], ids=["past", "now", "future"]
)
def test_another_instant_of_effect_is_marked(later_s: int, when: str) -> None:
    changed = event()
    changed = msgspec.structs.replace(changed, effective_at=changed.effective_at + timedelta(seconds=later_s))
    assert row_of(changed, "key-k3yPubl1cId0", ADMIN).when == when


def test_links_and_names_are_for_those_who_may_follow_them() -> None:
    assert about_of("key-k3yPubl1cId0", ADMIN).address == "/console/keys/k3yPubl1cId0"
    assert about_of("price-a/b", ADMIN).address == "/console/prices/a%2Fb"
    for stream in ("key-k3yPubl1cId0", "price-gold", "tag-policy", "log-clock", "usage-tensorzero"):
        assert about_of(stream, AUDITOR).address is None
    assert row_of(event(), "key-k3yPubl1cId0", ADMIN).actor == "portal"
    assert row_of(event(), "key-k3yPubl1cId0", AUDITOR).actor == "token t0kenPubl1c0"
    assert row_of(event(actor="operator"), "key-k3yPubl1cId0", ADMIN).actor == "operator"
