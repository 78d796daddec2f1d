"""Waits until a change is in the gateway's table of keys, by how far the sync says that it is."""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

from registry.errors import NotYetAtGateway, RegistryError
from registry.queries import Queries

WAIT_S: Final = 30.0
NEW_KEY_S: Final = 2.0
POLL_S: Final = 0.02


class GatewayWait(Protocol):
    """Knows how far the gateway's table is."""

    async def until(self, position: int) -> None:
        """Return once what a position of the log changed is in the gateway's table. Raises NotYetAtGateway."""

    async def ready(self, position: int) -> bool:
        """Whether it is there, as soon as it is or after a short wait. Never raises."""


class SyncWait:
    """See GatewayWait, for a table that the sync alone writes.

    However many wait, one task looks for all of them, and none while nobody waits.
    """

    def __init__(
        self, queries: Queries, wait_s: float = WAIT_S, new_key_s: float = NEW_KEY_S, *, poll_s: float = POLL_S
    ) -> None:
        self._queries = queries
        self._wait_s = wait_s
        self._new_key_s = new_key_s
        self._poll_s = poll_s
        self._waiting: dict[asyncio.Future[None], int] = {}
        self._watch: asyncio.Task[None] | None = None
        self._why_not = ""

    async def until(self, position: int) -> None:
        """See GatewayWait."""
        if not await self._reached(position, self._wait_s):
            why = (
                f"position {position} holds it, but the gateway's table of keys is not known to have it yet: "
                f"{self._why_not}"
            )
            message = f"the change is made and stays: {why}. Repeat the call to wait again, or see `keyledger status`"
            raise NotYetAtGateway(message, position=position)

    async def ready(self, position: int) -> bool:
        """See GatewayWait."""
        return await self._reached(position, self._new_key_s)

    async def _reached(self, position: int, within_s: float) -> bool:
        reached = asyncio.get_running_loop().create_future()
        self._waiting[reached] = position
        if self._watch is None or self._watch.done():
            self._why_not = "its sync did not answer in time"
            self._watch = asyncio.create_task(self._look_while_any_waits())
        try:
            # The look is another task: a database that hangs holds up nobody for longer than this.
            async with asyncio.timeout(within_s):
                await reached
        except TimeoutError:
            return False
        finally:
            del self._waiting[reached]
        return True

    async def _look_while_any_waits(self) -> None:
        while self._waiting:
            try:
                synced = await self._synced()
            except Exception as error:  # noqa: BLE001 - whatever it is, those who wait go on waiting
                # Callers read it: what names hosts, the log and the status say.
                self._why_not = error.public if isinstance(error, RegistryError) else type(error).__name__
            else:
                for reached, position in self._waiting.items():
                    if position <= synced and not reached.done():
                        reached.set_result(None)
            await asyncio.sleep(self._poll_s)

    async def _synced(self) -> int:
        gateways = await self._queries.gateways_synced()
        self._why_not = "the sync can't write it now" if any(one.failure for one in gateways) else "the sync is behind"
        if not gateways:
            self._why_not = "no sync has run yet"
        return min((one.synced.position for one in gateways), default=-1)


class NoWait:
    """See GatewayWait, for a table that is written in the append's own transaction."""

    async def until(self, position: int) -> None:
        """See GatewayWait: whatever has a position is there."""

    async def ready(self, position: int) -> bool:  # noqa: ARG002 - as above
        """See GatewayWait."""
        return True
