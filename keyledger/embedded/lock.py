"""One process at a time: a `flock` that ends with the process that holds it, however that process ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from keyledger.embedded.errors import FolderError, FolderInUse


class FolderLock:
    """The right to use a folder, held on a file in it.

    The descriptor is not inherited by children (so a server that outlives us does not hold it), and the kernel lets
    go of it after kill -9. Two locks of one process exclude each other as well.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None

    @property
    def held(self) -> bool:
        return self._fd is not None

    def acquire(self) -> None:
        """Take the lock at once or raise FolderInUse. Holding it already is no error. Never waits."""
        if self._fd is not None:
            return
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(fd, 32)
            os.close(fd)
            raise FolderInUse(str(self._path.parent), int(holder) if holder.strip().isdigit() else None) from None
        except OSError as exc:
            os.close(fd)
            raise FolderError(
                f"{self._path.parent} is on a file system without locks: choose a local folder with --data."
            ) from exc
        os.ftruncate(fd, 0)
        os.write(fd, f"{os.getpid()}\n".encode())
        self._fd = fd

    def release(self) -> None:
        """Let go. May be called twice. The file stays: removing it would let two processes lock two files."""
        if self._fd is not None:
            os.ftruncate(self._fd, 0)
            os.close(self._fd)
            self._fd = None
