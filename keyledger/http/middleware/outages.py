"""What callers are answered with 503 for, until the same call succeeds: the log says that, as it said the failure."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

logger = logging.getLogger("keyledger.http")


@dataclass(slots=True)
class _Outage:
    """Since when, and which calls it hit."""

    began_s: float
    calls: set[str]


class Outages:
    """One for each kind of error that is a 503. Ends with the first success of a call that it hit."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._open: dict[str, _Outage] = {}

    def refused(self, call: str, error: Exception) -> None:
        """A call, by its method and route, was answered with 503 for this."""
        self._open.setdefault(type(error).__name__, _Outage(self._clock(), set())).calls.add(call)

    def answered(self, call: str) -> None:
        """A call succeeded."""
        for kind in [kind for kind, outage in self._open.items() if call in outage.calls]:
            lasted_s = self._clock() - self._open.pop(kind).began_s
            logger.warning("%s answers again, %.1f s after the first %s", call, lasted_s, kind)
