"""What is away, for the log: each failure is a warning, and the first success after it says so, once."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable


class Outage:
    """The outages of one follower. Its steps fail and succeed apart, and it goes on again when none of them fails."""

    def __init__(self, what: str, logger: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        self._what = what
        self._logger = logger
        self._clock = clock
        self._failing: set[str] = set()
        self._began_s = 0.0

    def waits(self, step: str, why: str) -> None:
        """A step failed, and is tried again soon."""
        self.began(step)
        self._logger.warning("%s waits, and tries again: %s", self._what, why)

    def began(self, step: str) -> None:
        """A step failed, which is logged elsewhere."""
        if not self._failing:
            self._began_s = self._clock()
        self._failing.add(step)

    def answered(self, step: str) -> None:
        """A step succeeded."""
        if step not in self._failing:
            return
        self._failing.discard(step)
        if not self._failing:
            # With how long it was, no two of these are equal, so that none is held back as a repeat.
            self._logger.warning("%s goes on again, after %.3f s", self._what, self._clock() - self._began_s)
