"""Limits of the append, and what else may refuse it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from registry.errors import Busy
from registry.log.append.clock_watch import ClockBounds

# Why only what stops something may be recorded now; None where all may be.
Refusal = Callable[[], Busy | None]


def nothing_refused() -> None:
    """All may be recorded."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of the append: batch and queue in writes, the others in time."""

    max_batch: int = 256
    max_queue: int = 10_000
    lock_timeout_s: float = 5.0
    statement_timeout_s: float = 30.0
    clock: ClockBounds = field(default_factory=ClockBounds)
