"""The embedded server's log: one file, kept small, whose last lines explain a failed start."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Final

_LARGEST_BYTES: Final = 8 * 1024 * 1024
_KEPT_BYTES: Final = 1024 * 1024
_LOOK_EVERY_S: Final = 60.0


class ServerLog:
    """A file that the server appends to through an inherited descriptor, and that we cut from outside.

    Cutting works while the server writes, as it opened the file for appending; the part cut off is in `….1`. A line
    written during the cut may be lost. So the log outlives us with the server, and stays below about 10 MB.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stop = threading.Event()
        self._cutter: threading.Thread | None = None

    def open(self) -> int:
        """A descriptor to give to the server; the caller closes its own."""
        self.cut()
        return os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)

    def size(self) -> int:
        """Bytes written so far."""
        return self.path.stat().st_size if self.path.exists() else 0

    def lines_since(self, offset: int, *, at_most: int = 8) -> list[str]:
        """The last lines written after `offset`."""
        if not self.path.exists():
            return []
        with self.path.open("rb") as file:
            file.seek(max(offset, self.size() - 65_536))
            return file.read().decode("utf-8", errors="replace").splitlines()[-at_most:]

    def cut(self) -> None:
        """Move the last megabyte of a log that has grown too long to `….1` and start a new one."""
        if self.size() <= _LARGEST_BYTES:
            return
        with self.path.open("rb+") as file:
            file.seek(-_KEPT_BYTES, os.SEEK_END)
            with self.path.with_name(f"{self.path.name}.1").open("wb") as kept:
                os.fchmod(kept.fileno(), 0o600)
                kept.write(file.read())
            file.truncate(0)

    def watch(self) -> None:
        """Cut from time to time, in a thread, until `unwatch`."""
        self._stop.clear()
        self._cutter = threading.Thread(target=self._watch, name="postgres-log", daemon=True)
        self._cutter.start()

    def unwatch(self) -> None:
        """End the thread. May be called twice."""
        self._stop.set()
        if self._cutter is not None:
            self._cutter.join()
            self._cutter = None

    def _watch(self) -> None:
        while not self._stop.wait(_LOOK_EVERY_S):
            self.cut()
