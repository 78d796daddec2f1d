"""Deletes what is kept no longer, now and then, in a process that serves the API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from registry.background import repeated, running
from registry.repeats.store import KeptAnswers

_EVERY_S: Final = 600.0


@asynccontextmanager
async def sweeping(kept: KeptAnswers, every_s: float = _EVERY_S) -> AsyncIterator[None]:
    """Sweep until the block ends. A database that is away ends nothing."""
    async with running(repeated(kept.sweep, every_s, "answers that are kept no longer can't be deleted now")):
        yield
