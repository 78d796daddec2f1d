"""Whether the clock that stamps events can be trusted.

Events are stamped by the database's clock, and never earlier than the one before. So an event that was stamped far
ahead would date all that follow, or stop them until the time has come: a clock that jumps is noticed before its time is
recorded. What stops a key, a credential or a token is never refused for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from registry.errors import ClockAhead, ClockSteppedBack
from registry.log.event_log import Head

# Linux's clock that also counts while the machine sleeps.
_UPTIME: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _uptime_s() -> float:
    return time.clock_gettime(_UPTIME)


@dataclass(frozen=True, slots=True)
class ClockBounds:
    """How far the database's clock may be behind the last event, and ahead of what this process knows."""

    back: timedelta = timedelta(seconds=5)
    ahead: timedelta = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Accepted:
    """Where and when the last ClockDivergenceAccepted was recorded."""

    position: int
    recorded_at: datetime

    def covers(self, head: Head) -> bool:
        """Whether all since was recorded by order alone, a microsecond for each event: it covers no later jump."""
        if head.recorded_at is None:
            return False
        return head.recorded_at - self.recorded_at == timedelta(microseconds=head.position - self.position)


class ClockWatch:
    """Compares the database's clock with the last event, this process's clock, and its own last look.

    `now` is this process's clock, `uptime_s` one that nobody sets.
    """

    def __init__(
        self,
        bounds: ClockBounds,
        *,
        now: Callable[[], datetime] = _utc_now,
        uptime_s: Callable[[], float] = _uptime_s,
    ) -> None:
        self._bounds = bounds
        self._now = now
        self._uptime_s = uptime_s
        self._last: tuple[datetime, float] | None = None

    def now(self, within: timedelta) -> datetime | None:
        """The database's clock by the last look, a little late; None if that is longer ago than `within`."""
        if self._last is None:
            return None
        clock, uptime_s = self._last
        passed = timedelta(seconds=self._uptime_s() - uptime_s)
        return clock + passed if passed <= within else None

    def is_behind(self, head: Head, clock: datetime) -> bool:
        """Whether the clock is further behind the last event than it may be: only then `look` needs the decision."""
        return head.recorded_at is not None and head.recorded_at - clock > self._bounds.back

    def look(
        self, head: Head, clock: datetime, accepted: Accepted | None = None
    ) -> tuple[datetime, ClockAhead | ClockSteppedBack | None]:
        """The time to stamp with, and why only what stops a key may be stamped now, if that is so.

        A clock that is behind is no reason where an operator has accepted it.
        """
        now, uptime_s = self._now(), self._uptime_s()
        expected = now if self._last is None else self._last[0] + timedelta(seconds=uptime_s - self._last[1])
        trusted = min(now, expected)
        if clock - trusted > self._bounds.ahead:
            return trusted, ClockAhead(clock - trusted)
        self._last = clock, uptime_s
        if head.recorded_at is None or not self.is_behind(head, clock) or self.is_accepted(head, clock, accepted):
            return clock, None
        return clock, ClockSteppedBack(head.recorded_at - clock)

    def is_accepted(self, head: Head, clock: datetime, accepted: Accepted | None) -> bool:
        """Whether events go on after a head that is dated after the clock: by the last decision of an operator.

        It needs a clock that is not behind this process's.
        """
        return accepted is not None and accepted.covers(head) and self._now() - clock <= self._bounds.back
