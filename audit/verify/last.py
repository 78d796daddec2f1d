"""How the last full verify ended, kept in the log's database for the status."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncEngine

from audit.report import Verdict
from audit.verify import sql
from audit.verify.verify import Part
from registry.db.connection import execute, fetch
from registry.errors import Busy, KeyledgerError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LastVerify:
    """When it ended, `age_s` ago; up to which position it looked and its findings, or why it could not be finished."""

    ended_at: datetime
    position: int | None
    findings: int | None
    failure: str | None
    age_s: float

    @property
    def result(self) -> Literal["clean", "findings", "unfinished"]:
        """In one word."""
        if self.findings is None:
            return "unfinished"
        return "findings" if self.findings else "clean"


async def last_verify(engine: AsyncEngine) -> LastVerify | None:
    """The last one; None where none has ended. Raises Busy."""
    rows = await fetch(engine, sql.LAST_READ)
    return LastVerify(*rows[0]) if rows else None


async def recording_end(parts: AsyncIterator[Part], engine: AsyncEngine) -> AsyncGenerator[Part, None]:
    """The parts of a full verify, whose end is recorded. One that the caller leaves is not one that ended."""
    try:
        async for part in parts:
            if isinstance(part, Verdict):
                await _record(engine, part.position, part.findings, None)
            yield part
    except KeyledgerError as error:
        await _record(engine, None, None, str(error))
        raise


async def _record(engine: AsyncEngine, position: int | None, findings: int | None, failure: str | None) -> None:
    try:
        await execute(engine, sql.LAST_RECORD, position, findings, failure)
    except Busy as error:
        logger.warning("the end of the verify can't be recorded for `status`: %s", error)
    except Exception as error:  # noqa: BLE001 - what was found counts, also where it can't be recorded
        logger.warning("the end of the verify can't be recorded for `status` (%s)", type(error).__name__)
