"""Mends the usage journal between the looks of this process's collector, or with the lead that a collector has."""

from __future__ import annotations

import asyncio
from typing import Final

from keyledger.runtime.services import Services
from projections.usage.journal.collecting import Collecting
from projections.usage.journal.collector import SEED
from projections.usage.journal.mending import Mended, mend
from projections.usage.journal.state import Journal
from registry.db.leader_lock import LeaderLock
from registry.errors import Busy

WAIT_S: Final = 10.0


async def mend_usage(services: Services) -> Mended:
    """Mend it. Raises Busy where a collector of another process has the lead, ClickHouseError, NotCollected."""
    if services.books is not None:
        return await services.books.between(mend)
    lead = LeaderLock(services.registry.engine, services.names.journal, SEED)

    def alive() -> None:
        assert lead.driver is not None  # noqa: S101 - the property raises

    try:
        await _take(lead)
        collecting = await Collecting.begun(Journal(services.clickhouse, services.names), alive=alive)
        mended = await mend(collecting)
        await collecting.look()
    finally:
        await lead.release()
    return mended


async def _take(lead: LeaderLock) -> None:
    try:
        async with asyncio.timeout(WAIT_S):
            await lead.take()
    except TimeoutError:
        message = "the usage journal is kept by another process: stop `keyledger project usage`, and repair again"
        raise Busy(message) from None
