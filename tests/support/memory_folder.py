"""The tests' temporary files, in memory where the machine has room for them.

They make a database for each test, hundreds of ClickHouse tables and dozens of data folders. On a disk that takes
several times as long, and no test depends on a disk: a killed process loses nothing of what it wrote either way.
TMPDIR chooses another place. What a failed run leaves is there until the next run.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from multiprocessing.util import Finalize
from pathlib import Path

import pytest

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - Linux's file system in memory, where a folder of our own is made
_PREFIX = "keyledger-tests-"
# The tests fill 2 GiB at most, and their processes need as much.
_ROOM_BYTES = 8 << 30
_FOLDER = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """Put them there, for this process and all that it starts."""
    if hasattr(config, "workerinput") or "TMPDIR" in os.environ:
        return
    _remove_left()
    if not _has_room():
        return
    folder = tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=_SHARED_MEMORY)
    os.environ["TMPDIR"] = tempfile.tempdir = config.stash[_FOLDER] = folder


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove them, unless a test failed."""
    folder, reporter = config.stash.get(_FOLDER, None), config.pluginmanager.get_plugin("terminalreporter")
    if folder is None:
        return
    if reporter is not None and (reporter.stats.get("failed") or reporter.stats.get("error")):
        print(f"kept for a look: {folder}")  # noqa: T201 - the terminal's own report has ended
    else:
        # After multiprocessing has removed what it keeps there.
        Finalize(None, shutil.rmtree, (folder,), {"ignore_errors": True}, exitpriority=-1000)


def _remove_left() -> None:
    for folder in _SHARED_MEMORY.glob(f"{_PREFIX}*"):
        if not Path("/proc", folder.name.removeprefix(_PREFIX).partition("-")[0]).exists():
            shutil.rmtree(folder, ignore_errors=True)


def _has_room() -> bool:
    try:
        place = os.statvfs(_SHARED_MEMORY)
        memory = Path("/proc/meminfo").read_text(encoding="ascii")
    except OSError:
        return False
    available = next(int(line.split()[1]) << 10 for line in memory.splitlines() if line.startswith("MemAvailable:"))
    return min(place.f_bavail * place.f_frsize, available) >= _ROOM_BYTES and not place.f_flag & os.ST_NOEXEC
