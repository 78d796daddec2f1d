"""A small disk, in memory, that a test may fill."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(place: Path, *, mib: int) -> Iterator[Path]:
    """One of so many MiB, mounted on a new folder until the block ends. Where it can't be, the test is skipped."""
    place.mkdir()
    mount = ["/usr/bin/env", "mount", "-t", "tmpfs", "-o", f"size={mib}m,mode=755", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("a small disk can't be mounted here: that takes root, on Linux")
    try:
        yield place
    finally:
        subprocess.run(["/usr/bin/env", "umount", "-l", str(place)], check=True)


def fill(ballast: Path) -> None:
    """Take all room that the disk of a new file has left, also where others take some meanwhile."""
    with ballast.open("wb") as file:
        size = 0
        for step in (1 << 20, 4096):
            with contextlib.suppress(OSError):
                while True:
                    os.posix_fallocate(file.fileno(), size, step)
                    size += step
