"""The port to those who receive deliveries, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of an attempt: the status of the answer, if there was one, and why it failed, if it did.

    `error` is in our words: it quotes neither the answer nor the URL. `retry_after_s` is what a receiver asked for.
    """

    status: int | None
    error: str | None = None
    retry_after_s: float | None = None


class Receiver(Protocol):
    """Sends to receivers, by HTTP."""

    async def check(self, url: str) -> None:
        """Raise UrlRefused for a URL that nothing is sent to. One whose host can't be resolved now is taken."""

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Send once, to an address that is checked, and follow no redirect. Raises nothing."""

    async def close(self) -> None:
        """Close all connections."""
