"""Says how far a long collection is: every few seconds, with about how long it will still take."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

_EVERY_S: Final = 5.0
_MANY: Final = 1_000_000  # rows that take a moment


class Countdown:
    """One piece of long work after another, each of them done when no rows are left."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._most = 0
        self._began_s = self._said_s = 0.0

    def left(self, rows: int) -> str | None:
        """So many rows are left: what to say about it, if anything."""
        now_s = self._clock()
        if rows == 0 or self._most == 0:
            self._most, self._began_s, self._said_s = rows, now_s, now_s
        self._most = max(self._most, rows)
        if self._most < _MANY or now_s - self._said_s < _EVERY_S:
            return None
        self._said_s = now_s
        done = self._most - rows
        if done == 0:
            return f"0 of {self._most} rows"
        left_s = rows * (now_s - self._began_s) / done
        return f"{done} of {self._most} rows, about {_long(left_s)} left"


def _long(seconds: float) -> str:
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
