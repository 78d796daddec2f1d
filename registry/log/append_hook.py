"""What else is written in the append's own transaction: a port. Whoever needs it gives an adapter to `open_log`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from registry.keys.state import KeyState


class AppendHook(Protocol):
    """Writes, beside the log, what must hold as soon as an append does, and never without it."""

    async def write(self, driver: Any, changed: Sequence[KeyState]) -> None:
        """Write for keys as they are after the append, on its connection and in its transaction.

        Called under the lock of the log, so it must be quick. Their rows and those of their credentials are there
        already. Raises AppendHookFailed or one of the driver's TRANSPORT_ERRORS: then nothing at all is appended.
        """
