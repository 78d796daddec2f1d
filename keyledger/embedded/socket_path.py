"""Names of Unix sockets that fit: an address has room for about 107 bytes of path, and data folders lie deeper.

On Linux a folder is then named through an open descriptor, /proc/PID/fd/N, which is always short.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from keyledger.embedded.errors import SocketPathTooLong

# sun_path holds 108 bytes on Linux and 104 on macOS and the BSDs, with the NUL at its end.
_LONGEST_PATH: Final = 107 if sys.platform == "linux" else 103


@contextmanager
def short_name(path: Path) -> Iterator[str]:
    """A name of the socket at `path`, good inside the `with` only, for this process and its user's others.

    Raises SocketPathTooLong where there is none.
    """
    # PostgreSQL's drivers take a comma for the end of a host's name.
    if len(os.fsencode(path)) <= _LONGEST_PATH and "," not in str(path):
        yield str(path)
        return
    if sys.platform != "linux":
        raise SocketPathTooLong
    fd = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/{os.getpid()}/fd/{fd}/{path.name}"
    finally:
        os.close(fd)
