"""PostgreSQL processes on a folder: found by the folder they stand in, and sent away in PostgreSQL's own ways."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

from keyledger.embedded.errors import PostgresNotStopped

PID_FILE: Final = "postmaster.pid"
# Fast shutdown (with a checkpoint), immediate (recovery at the next start), the end: and how long each may take.
_STEPS: Final = ((signal.SIGINT, 60.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0))
_LOOK_EVERY_S: Final = 0.02


def stop_servers(data: Path) -> None:
    """Stop whatever PostgreSQL a killed supervisor left on the folder, and return when its last process has gone.

    The caller holds the folder's lock, so no such server is anyone's. Takes at most 80 s, then PostgresNotStopped.
    """
    for sign, patience_s in _STEPS:
        servers = _servers_on(data)
        for process in servers:
            # Children whose postmaster was killed leave by themselves: SIGINT would tell some of them other things.
            if process.pid == pid_in_file(data) or sign != signal.SIGINT:
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(sign)
        if not servers or _gone(data, patience_s):
            _drop_foreign_pid_file(data)
            return
    raise PostgresNotStopped


def pid_in_file(data: Path) -> int | None:
    """The postmaster's pid, as the last one wrote it."""
    lines = pid_file_lines(data)
    return int(lines[0]) if lines and lines[0].isdigit() else None


def pid_file_lines(data: Path) -> list[str]:
    """The lines of `postmaster.pid`: pid, folder, start time, port, socket folder, address, memory, status."""
    with suppress(FileNotFoundError):
        return (data / PID_FILE).read_text(encoding="utf-8", errors="replace").splitlines()
    return []


def _drop_foreign_pid_file(data: Path) -> None:
    """Remove a pid file whose pid another program has by now (usual in containers).

    PostgreSQL would refuse to start.
    """
    pid = pid_in_file(data)
    if pid is not None and psutil.pid_exists(pid):
        (data / PID_FILE).unlink(missing_ok=True)


def _gone(data: Path, patience_s: float) -> bool:
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        if not _servers_on(data):
            return True
        time.sleep(_LOOK_EVERY_S)
    return False


def _servers_on(data: Path) -> list[psutil.Process]:
    return list(_find(data.stat()))


def _find(folder: os.stat_result) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        # Gone meanwhile, a zombie, or another user's: none of these is a server on our folder.
        with suppress(psutil.Error, OSError):
            if process.name() == "postgres" and os.path.samestat(_working_folder(process), folder):
                yield process


def _working_folder(process: psutil.Process) -> os.stat_result:
    """The folder itself and not its name: a name may mean something else in a container, or to us."""
    return os.stat(f"/proc/{process.pid}/cwd" if sys.platform == "linux" else process.cwd())  # noqa: PTH116 - as above
