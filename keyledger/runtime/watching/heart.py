"""The heartbeat of a process: what of it runs, said in the log's database every few seconds.

It only tells. That it can't be written is logged, and stops nothing. A part whose work has ended falls silent.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import UUID, uuid4

from keyledger.runtime.registry import Registry
from keyledger.settings import Settings
from registry.background import running
from registry.errors import Busy
from registry.follower import Follower
from registry.parts.heartbeats import Beat, Heartbeats, Place, Silence

logger = logging.getLogger(__name__)

_EVERY_S: Final = 5.0
# So many beats may fail to come before the part counts as missing.
_BEATS_MISSED: Final = 6


def silence_of(settings: Settings) -> Silence:
    """What the settings say of parts that don't beat."""
    return Silence(settings.part_missing_s, settings.part_forget_s)


@asynccontextmanager
async def beating(
    registry: Registry, followers: Sequence[Follower] = (), *, serves: bool = False
) -> AsyncIterator[None]:
    """Beat for the parts of this process until the block ends; then they count as stopped, unless it failed."""
    heart = _Heart(registry, followers, serves=serves)
    await heart.beat()
    async with running(heart.run()):
        yield
    await heart.stop()


class _Heart:
    def __init__(self, registry: Registry, followers: Sequence[Follower], *, serves: bool) -> None:
        self._heartbeats = Heartbeats(registry.engine)
        self._silence = silence_of(registry.settings)
        self._place = Place(socket.gethostname(), os.getpid())
        self._began_s = time.monotonic()
        self._followers = {uuid4(): one for one in followers}
        self._serves: UUID | None = uuid4() if serves else None

    async def run(self) -> None:
        """Until cancelled."""
        every_s = min(_EVERY_S, self._silence.missing_s / _BEATS_MISSED)
        while True:
            await asyncio.sleep(every_s)
            await self.beat()

    async def beat(self) -> None:
        """One beat. Raises nothing."""
        if beats := self._beats():
            ran_s = time.monotonic() - self._began_s
            await _harmless(self._heartbeats.beat(beats, self._place, ran_s, self._silence))

    async def stop(self) -> None:
        """Say that it was meant to end. Raises nothing."""
        serves = [] if self._serves is None else [self._serves]
        await _harmless(self._heartbeats.stop([*self._followers, *serves]))

    def _beats(self) -> list[Beat]:
        beats = [
            Beat(instance, one.part, one.leads, one.pulse.age_s)
            for instance, one in self._followers.items()
            if one.failure is None
        ]
        if self._serves is not None:
            beats.append(Beat(self._serves, "serve", None, 0.0))  # that this is written is what its changes need
        return beats


async def _harmless(writing: Coroutine[Any, Any, None]) -> None:
    try:
        await writing
    except Busy as error:
        logger.warning("the heartbeat of this process can't be written: %s", error)
    except Exception as error:  # noqa: BLE001 - whatever it is, the parts go on
        logger.warning("the heartbeat of this process can't be written (%s)", type(error).__name__)
