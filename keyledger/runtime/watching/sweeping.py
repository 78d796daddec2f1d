"""Deletes what is kept no longer, now and then, in a process that serves the API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from registry.background import repeated, running
from registry.repeats.store import KeptAnswers
from registry.sessions.store import Sessions

_EVERY_S: Final = 600.0


@asynccontextmanager
async def sweeping(kept: KeptAnswers, sessions: Sessions, every_s: float = _EVERY_S) -> AsyncIterator[None]:
    """Sweep until the block ends. A database that is away ends nothing."""
    answers = repeated(kept.sweep, every_s, "answers that are kept no longer can't be deleted now")
    logins = repeated(sessions.sweep, every_s, "sessions of the console that have ended can't be deleted now")
    async with running(answers), running(logins):
        yield
