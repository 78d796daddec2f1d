"""Which parts run, are missing or lag: what an operator would expect of those that ended without a word."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from keyledger.runtime.watching.part_status import (
    Lag,
    PartStatus,
    alarms_of_collector,
    alarms_of_lag,
    alarms_of_parts,
    expected_parts,
    states_of,
)
from keyledger.settings import Settings
from projections.ledger.alarms import Alarm
from projections.usage.journal.state import Behind
from registry.parts.heartbeats import Heartbeat
from registry.parts.part import Part

NOW = datetime(2026, 6, 1, tzinfo=UTC)
MISSING_S = 30.0


def beat(
    part: Part, silent_s: float, *, host: str = "one", leads: bool | None = None, ran_s: float = 3600, number: int = 0
) -> Heartbeat:
    """A part that has run for so long when it gave its last sign of life, so long ago."""
    last = NOW - timedelta(seconds=silent_s)
    return Heartbeat(UUID(int=number), part, host, 7, last - timedelta(seconds=ran_s), leads, last, None, silent_s)


def judged(*beats: Heartbeat, expected: str | None = None) -> tuple[list[PartStatus], list[Alarm]]:
    """The parts and the alarms."""
    parts = states_of(beats, MISSING_S)
    return parts, list(alarms_of_parts(parts, expected_parts(Settings(parts_expected=expected), beats)))


def test_where_nothing_has_run_nothing_is_missing() -> None:
    assert judged() == ([], [])


def test_parts_that_beat_say_what_they_do() -> None:
    parts, alarms = judged(
        beat("serve", 1), beat("relay", 2, leads=True), beat("relay", 29, host="two", leads=False), beat("projector", 0)
    )
    assert [one.state for one in parts] == ["running", "leading", "standing_by", "running"]
    assert alarms == []


def test_the_only_one_that_fell_silent_is_missing_and_the_alarm_says_who_where_and_what_to_start() -> None:
    (part,), (alarm,) = judged(beat("relay", 54, leads=True))
    assert part.state == "missing"
    assert (alarm.kind, alarm.part) == ("part_missing", "relay")
    assert alarm.detail == "the relay on one (process 7) has given no sign of life for 54 s, and none runs"
    assert "keyledger publish" in alarm.fix


def test_one_of_several_that_fell_silent_is_an_alarm_that_holds_nothing_up() -> None:
    _, (alarm,) = judged(beat("relay", 54, leads=True), beat("relay", 1, host="two", leads=True))
    assert (alarm.kind, alarm.part) == ("part_missing", None)
    assert "another one runs" in alarm.detail


def test_one_that_was_killed_and_started_again_is_not_missing() -> None:
    parts, alarms = judged(beat("projector", 60, number=1), beat("projector", 0, ran_s=50, number=2))
    assert ([one.state for one in parts], alarms) == (["running"], [])


@pytest.mark.parametrize(
    ("host", "ran_s"), [("two", 50.0), ("one", 3600.0)], ids=["of another host", "that ran meanwhile"]
)
def test_one_is_not_replaced_by_another(host: str, ran_s: float) -> None:
    parts, alarms = judged(beat("serve", 60, number=1), beat("serve", 0, host=host, ran_s=ran_s, number=2))
    assert sorted(one.state for one in parts) == ["missing", "running"]
    assert len(alarms) == 1


def test_what_the_settings_name_is_missing_also_when_it_never_ran_or_was_stopped() -> None:
    _, alarms = judged(beat("serve", 0), expected="serve,projector")
    assert [(one.kind, one.part) for one in alarms] == [("part_missing", "projector")]
    assert "KEYLEDGER_PARTS_EXPECTED" in alarms[0].detail


def test_what_the_settings_leave_out_is_not_missed() -> None:
    parts, alarms = judged(beat("serve", 0), beat("relay", 9999), expected="serve")
    assert ([one.state for one in parts], alarms) == (["running", "missing"], [])


@pytest.mark.parametrize(
    ("lag_s", "expected", "kinds"),
    [
        (54.0, None, ["lag"]),
        (54.0, "serve,relay", ["lag"]),
        (54.0, "serve", []),
        (29.0, None, []),
    ],
)
def test_lag_is_an_alarm_beyond_the_setting_and_only_for_what_must_run(
    lag_s: float, expected: str | None, kinds: list[str]
) -> None:
    lag = Lag("relay", "the topic keyledger.events.v1", 7, 3, lag_s)
    settings = Settings(parts_expected=expected)
    alarms = list(alarms_of_lag([lag], settings.lag_alarm_s, settings))
    assert [one.kind for one in alarms] == kinds
    if kinds:
        assert (alarms[0].position, alarms[0].part) == (8, "relay")
        assert alarms[0].detail == "the topic keyledger.events.v1 is 54 s behind the log: 3 events wait"


@pytest.mark.parametrize(
    ("lag_s", "failure", "expected", "kinds"),
    [
        (54.0, None, None, ["lag"]),
        (54.0, "ClickHouse refuses", "serve,collector", ["collector_stopped", "lag"]),
        (54.0, "ClickHouse refuses", "serve", []),
        (29.0, None, None, []),
    ],
)
def test_usage_that_is_not_collected_is_an_alarm_where_it_must_be(
    lag_s: float, failure: str | None, expected: str | None, kinds: list[str]
) -> None:
    alarms = list(alarms_of_collector(Behind(3, 20, lag_s, failure), Settings(parts_expected=expected)))
    assert [one.kind for one in alarms] == kinds
    assert all(one.part == "collector" for one in alarms)
    if "lag" in kinds:
        assert alarms[-1].detail == "the usage journal is 54 s behind the gateway's tables: 20 rows wait"
        assert "keyledger project usage" in alarms[-1].fix
