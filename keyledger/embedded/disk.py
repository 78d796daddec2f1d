"""The room that is left on the disk of the data folder.

A database that runs out of it in the middle of its work may not start again. So a nearly full disk is refused at a
start, and in operation only what stops a key is recorded until there is room.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from keyledger.embedded.errors import DiskNearlyFull
from registry.errors import Busy

_UNTIL: Final = "until there is room, only what stops a key, a credential or a token is recorded"


class NoRoom(Busy):
    """The disk of the data folder is nearly full."""

    retry_after_s = 30

    @property
    def public(self) -> str:
        """See KeyledgerError: without the folder."""
        return f"The disk is nearly full: {_UNTIL}"


class DiskWatch:
    """Looks at the disk that a folder is on. `least_mib` are to be free."""

    def __init__(self, folder: Path, least_mib: int) -> None:
        self._folder = folder
        self._least_mib = least_mib

    def check(self) -> None:
        """Raise DiskNearlyFull if the folder must not be opened."""
        if (reason := self._reason()) is not None:
            raise DiskNearlyFull(f"{reason}. Nothing was opened: make room, and start again.")

    def refusal(self) -> Busy | None:
        """Why only what stops something may be recorded now, if that is so. Cheap enough for every append."""
        reason = self._reason()
        return None if reason is None else NoRoom(f"{reason}: {_UNTIL}")

    def _reason(self) -> str | None:
        free_mib = shutil.disk_usage(self._folder).free >> 20
        if free_mib >= self._least_mib:
            return None
        return (
            f"The disk of {self._folder} has {free_mib} MiB left, less than the {self._least_mib} of "
            "KEYLEDGER_DISK_FREE_MIN_MIB"
        )
