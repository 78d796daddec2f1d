"""A change that has reached the gateway's own table of keys: what a caller of the API may wait for. A port."""

from __future__ import annotations

from typing import Protocol


class GatewayWait(Protocol):
    """Knows how far the gateway's table is."""

    async def until(self, position: int) -> None:
        """Return once what a position of the log changed is in the gateway's table. Raises NotYetAtGateway, Busy."""
