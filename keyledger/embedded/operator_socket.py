"""The operator socket in the data folder: 0600, never TCP, at a path of any length.

A socket's address has room for about 107 bytes of path, and data folders lie deeper than that. On Linux the folder is
then named through an open descriptor, /proc/self/fd/N, which is always short.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from keyledger.embedded.errors import SocketPathTooLong
from keyledger.embedded.folder import DataFolder

# sun_path holds 108 bytes on Linux and 104 on macOS and the BSDs, with the NUL at its end.
_LONGEST_PATH: Final = 107 if sys.platform == "linux" else 103


def bind_unix_socket(folder: DataFolder) -> socket.socket:
    """A bound socket that does not listen yet, at the folder's operator path. The caller holds the folder.

    What stands there is replaced in one step (a kill -9 leaves a stale one), and the new one appears with mode 0600.
    """
    final = folder.operator_socket
    fresh = final.with_name(f".operator-{os.getpid()}.sock")
    fresh.unlink(missing_ok=True)
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        os.fchmod(bound.fileno(), 0o600)  # Linux gives the file the mode of the descriptor, so there is no open instant
        with _short_name(fresh) as name:
            bound.bind(name)
        fresh.chmod(0o600)  # elsewhere: the folder's 0700 guards the instant between the two
        fresh.replace(final)
    except BaseException:
        bound.close()
        fresh.unlink(missing_ok=True)
        raise
    return bound


@contextmanager
def socket_path_for_client(folder: DataFolder) -> Iterator[str]:
    """A path to connect to. It is good inside the `with` only: connect, and reconnect, before it ends."""
    with _short_name(folder.operator_socket) as name:
        yield name


@contextmanager
def _short_name(path: Path) -> Iterator[str]:
    if len(os.fsencode(path)) <= _LONGEST_PATH:
        yield str(path)
        return
    if sys.platform != "linux":
        raise SocketPathTooLong
    fd = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{fd}/{path.name}"
    finally:
        os.close(fd)
