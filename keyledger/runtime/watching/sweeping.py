"""Deletes what is kept no longer, now and then, in a process that serves the API."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from registry.background import running
from registry.errors import Busy
from registry.repeats.store import KeptAnswers

logger = logging.getLogger("keyledger.registry")

_EVERY_S: Final = 600.0


@asynccontextmanager
async def sweeping(kept: KeptAnswers, every_s: float = _EVERY_S) -> AsyncIterator[None]:
    """Sweep until the block ends. A database that is away ends nothing."""
    async with running(_sweep(kept, every_s)):
        yield


async def _sweep(kept: KeptAnswers, every_s: float) -> None:
    while True:
        try:
            await kept.sweep()
        except Busy as error:
            logger.warning("answers that are kept no longer can't be deleted now: %s", error)
        await asyncio.sleep(every_s)
