"""A clock that jumps is noticed before its time is recorded, and what it was trusted for before is not forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from registry.errors import ClockAhead, ClockSteppedBack
from registry.log.append.clock_watch import Accepted, ClockBounds, ClockWatch
from registry.log.event_log import Head

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
EMPTY = Head(0, b"", None)


class Machine:
    """The clocks of a machine: `now` can be set, `uptime_s` can't."""

    def __init__(self) -> None:
        self.now, self.uptime_s = NOON, 1000.0
        self.watch = ClockWatch(
            ClockBounds(timedelta(seconds=5), timedelta(minutes=1)),
            now=lambda: self.now,
            uptime_s=lambda: self.uptime_s,
        )

    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.now += timedelta(seconds=seconds)
        self.uptime_s += seconds


def test_time_that_passes_is_no_jump() -> None:
    machine = Machine()
    for seconds in (0, 1, 86_400, 0.001):
        machine.wait(seconds)
        assert machine.watch.look(EMPTY, machine.now) == (machine.now, None)


@pytest.mark.parametrize("ahead_s", [61, 86_400, 10 * 365 * 86_400])
def test_a_database_whose_clock_is_ahead_of_ours_is_not_believed(ahead_s: float) -> None:
    machine = Machine()
    clock, fault = machine.watch.look(EMPTY, NOON + timedelta(seconds=ahead_s))
    assert clock == NOON
    assert isinstance(fault, ClockAhead)
    assert f"{ahead_s} s ahead" in str(fault)
    assert machine.watch.look(EMPTY, NOON + timedelta(seconds=60)) == (NOON + timedelta(seconds=60), None)


def test_a_jump_of_the_one_machine_that_both_run_on_is_refused_until_it_is_undone() -> None:
    machine = Machine()
    machine.watch.look(EMPTY, machine.now)
    machine.wait(10)
    right, machine.now = machine.now, machine.now + timedelta(hours=1)
    for _ in range(2):
        clock, fault = machine.watch.look(EMPTY, machine.now)
        assert (clock, type(fault)) == (right, ClockAhead)
    machine.now = right
    assert machine.watch.look(EMPTY, machine.now) == (right, None)


def test_a_jump_that_was_recorded_refuses_until_the_time_has_come() -> None:
    machine = Machine()
    head = Head(7, b"", NOON + timedelta(hours=1))
    clock, fault = machine.watch.look(head, machine.now)
    assert (clock, type(fault)) == (NOON, ClockSteppedBack)
    machine.wait(3596)
    assert machine.watch.look(head, machine.now) == (machine.now, None)


@pytest.mark.parametrize(
    ("position", "recorded_at", "clock_s", "goes_on"),
    [
        (7, NOON + timedelta(days=365), 0, True),
        (9, NOON + timedelta(days=365, microseconds=2), 0, True),
        (9, NOON + timedelta(days=365, microseconds=3), 0, False),  # another jump since
        (9, NOON + timedelta(days=365, microseconds=2), -60, False),  # a clock behind ours
    ],
)
def test_a_decision_covers_what_order_alone_recorded_since_and_a_clock_that_is_right(
    position: int, recorded_at: datetime, clock_s: int, goes_on: bool
) -> None:
    accepted = Accepted(7, NOON + timedelta(days=365))
    head, clock = Head(position, b"", recorded_at), NOON + timedelta(seconds=clock_s)
    assert Machine().watch.is_accepted(head, clock, accepted) is goes_on
    assert not Machine().watch.is_accepted(head, clock, None)
