"""The operator socket in the data folder: 0600, never TCP, at a path of any length."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from keyledger.embedded.folder import DataFolder
from keyledger.embedded.socket_path import short_name


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
        with short_name(fresh) as name:
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
    with short_name(folder.operator_socket) as name:
        yield name
