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
# How to go, and how long it may take: fast with a checkpoint; at once, with recovery at the next start; the end. None
# loses anything. Asked to go fast while it restarts after a crash, PostgreSQL 18.4 may never go.
_STEPS: Final = ((signal.SIGINT, 10.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0))
_LOOK_EVERY_S: Final = 0.02
_STARTED_APART_S: Final = 10.0  # the file has whole seconds, and the kernel's are of another clock


def stop_servers(data: Path) -> None:
    """Stop whatever PostgreSQL is on the folder, and return when its last process has gone.

    The caller holds the folder's lock, so the server is the caller's, or was left by a supervisor that was killed.
    Takes at most 30 s, then PostgresNotStopped.
    """
    for sign, patience_s in _STEPS:
        servers = _servers_on(data)
        for process in servers:
            with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                # Children whose postmaster was killed leave by themselves: SIGINT would tell some of them other things.
                if sign != signal.SIGINT or _is_postmaster(process):
                    process.send_signal(sign)
        if not servers or _gone(data, patience_s):
            _drop_foreign_pid_files(data)
            return
    raise PostgresNotStopped


def pid_in_file(data: Path, name: str = PID_FILE) -> int | None:
    """The postmaster's pid, as the last one wrote it."""
    lines = pid_file_lines(data, name)
    return int(lines[0]) if lines and lines[0].isdigit() else None


def pid_file_lines(data: Path, name: str = PID_FILE) -> list[str]:
    """The lines of `postmaster.pid`: pid, folder, start time, port, socket folder, address, memory, status."""
    with suppress(FileNotFoundError):
        return (data / name).read_text(encoding="utf-8", errors="replace").splitlines()
    return []


def _drop_foreign_pid_files(data: Path) -> None:
    """Remove pid files, of the server and of its socket, whose pid another program has by now (usual in containers).

    PostgreSQL would refuse to start.
    """
    for file in (data / PID_FILE, *data.glob(".s.PGSQL.*.lock")):
        pid = pid_in_file(data, file.name)
        if pid is not None and psutil.pid_exists(pid):
            file.unlink(missing_ok=True)


def _gone(data: Path, patience_s: float) -> bool:
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        if not _servers_on(data):
            return True
        time.sleep(_LOOK_EVERY_S)
    return False


def _servers_on(data: Path) -> list[psutil.Process]:
    return list(_find(data.stat(), _postmaster(data)))


def _find(folder: os.stat_result, postmaster: int | None) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        # Gone meanwhile, a zombie, or another user's: none of these is a server on our folder.
        with suppress(psutil.Error, OSError):
            if process.name() == "postgres" and _stands_in(process, folder, postmaster):
                yield process


def _stands_in(process: psutil.Process, folder: os.stat_result, postmaster: int | None) -> bool:
    try:
        return os.path.samestat(_working_folder(process), folder)
    except PermissionError:
        # Root in most containers may not look (CAP_SYS_PTRACE). Children whose postmaster is gone leave by themselves.
        return postmaster is not None and postmaster in (process.pid, process.ppid())


def _postmaster(data: Path) -> int | None:
    """The pid in the pid file, where the process was started when the file says: another one may have it by now."""
    lines = pid_file_lines(data)
    with suppress(psutil.Error, IndexError, ValueError):
        if abs(psutil.Process(int(lines[0])).create_time() - int(lines[2])) <= _STARTED_APART_S:
            return int(lines[0])
    return None


def _is_postmaster(process: psutil.Process) -> bool:
    """Children have titles such as `postgres: walwriter`, the postmaster its command line; who is leaving has none."""
    line = process.cmdline()
    return bool(line) and not line[0].startswith("postgres:")


def _working_folder(process: psutil.Process) -> os.stat_result:
    """The folder itself and not its name: a name may mean something else in a container, or to us."""
    return os.stat(f"/proc/{process.pid}/cwd" if sys.platform == "linux" else process.cwd())  # noqa: PTH116 - as above
