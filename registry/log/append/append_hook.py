"""Port for what else is written in the append's own transaction. Pass an adapter to `open_log`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from registry.keys.state import KeyState


class AppendHook(Protocol):
    """Writes, together with the log, what must be true as soon as an append is, and never without it."""

    async def write(self, driver: Any, changed: Sequence[KeyState]) -> None:
        """Write for keys in their state after the append, on its connection and in its transaction.

        Called while the log's lock is held, so it must be quick. The rows of the keys and of their credentials are
        already written. Raises AppendHookFailed or one of the driver's TRANSPORT_ERRORS: then nothing at all is
        appended.
        """
