"""What a process says of itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from keyledger.runtime.status import Status

Failure = Callable[[], Exception | None]


def none() -> None:
    """Nothing of this process can have stopped."""


@dataclass(frozen=True, slots=True)
class Health:
    """The status that a process reads, what stopped its own work, if anything did, and whether it leads."""

    status: Callable[[], Awaitable[Status]]
    failure: Failure = none
    leads: Callable[[], bool] | None = None
