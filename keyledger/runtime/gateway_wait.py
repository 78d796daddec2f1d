"""Waits until a change is in the gateway's table of keys, by how far the sync says that it is."""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

from registry.errors import NotYetAtGateway
from registry.queries import Queries

WAIT_S: Final = 30.0
POLL_S: Final = 0.05


class GatewayWait(Protocol):
    """Knows how far the gateway's table is."""

    async def until(self, position: int) -> None:
        """Return once what a position of the log changed is in the gateway's table. Raises NotYetAtGateway, Busy."""


class SyncWait:
    """See GatewayWait, for a table that the sync alone writes."""

    def __init__(self, queries: Queries, wait_s: float = WAIT_S, *, poll_s: float = POLL_S) -> None:
        self._queries = queries
        self._wait_s = wait_s
        self._poll_s = poll_s

    async def until(self, position: int) -> None:
        """See GatewayWait."""
        synced, failure = -1, "no sync has run yet"
        try:
            async with asyncio.timeout(self._wait_s):
                while True:
                    for one in await self._queries.gateways_synced():
                        synced, failure = one.synced.position, one.failure or "the sync is behind"
                    if synced >= position:
                        return
                    await asyncio.sleep(self._poll_s)
        except TimeoutError:
            why = (
                f"position {position} holds it, but the gateway's table of keys is not known to have it yet: {failure}"
            )
            message = f"the change is made and stays: {why}. Repeat the call to wait again, or see `keyledger status`"
            raise NotYetAtGateway(message, position=position) from None


class NoWait:
    """See GatewayWait, for a table that is written in the append's own transaction."""

    async def until(self, position: int) -> None:
        """See GatewayWait: whatever has a position is there."""
