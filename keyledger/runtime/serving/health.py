"""What a process says of itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from keyledger.runtime.status import Status
from registry.errors import Busy
from registry.parts.part import Part

Failure = Callable[[], Exception | None]

_KEPT_S: Final = 1.0
_TIMEOUT_S: Final = 2.0


def none() -> None:
    """Nothing of this process can have stopped."""


class RecentStatus:
    """The status, read once a second at most, however often probes and metrics ask for it."""

    def __init__(self, read: Callable[[], Awaitable[Status]]) -> None:
        self._read = read
        self._reading: asyncio.Task[Status] | None = None
        self._began_s = 0.0

    async def __call__(self) -> Status:
        """The status of the last second. Raises Busy when it is not known within two, and what `read` raises."""
        reading = self._reading
        if reading is None or (reading.done() and time.monotonic() - self._began_s > _KEPT_S):
            self._began_s = time.monotonic()
            reading = self._reading = asyncio.ensure_future(self._timely())
        return await asyncio.shield(reading)

    async def _timely(self) -> Status:
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                return await self._read()
        except TimeoutError as error:
            raise Busy(f"the log's database has not answered within {_TIMEOUT_S:.0f} s") from error


@dataclass(frozen=True, slots=True)
class Health:
    """The status that a process reads, what stopped its own work, if anything did, whether it leads, and its part."""

    status: Callable[[], Awaitable[Status]]
    failure: Failure = none
    leads: Callable[[], bool] | None = None
    part: Part = "serve"
