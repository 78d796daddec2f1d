"""Environments of their own below .venv, for what does not go with our packages: made once from a lock file."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
_INSTALL = ("install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-compile", "--require-hashes")


class CannotInstall(Exception):
    """The environment can't be made here; the message says why."""


def made_once(name: str, lock: Path, make: Callable[[Path], None]) -> Path:
    """The folder `.venv/<name>`, made anew where the lock file changed; others wait for it. Raises CannotInstall."""
    home = ROOT / ".venv" / name
    home.parent.mkdir(exist_ok=True)
    with (home.parent / f"{name}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        stamp = home / ".ready"
        wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
        if not stamp.exists() or stamp.read_text(encoding="ascii") != wanted:
            shutil.rmtree(home, ignore_errors=True)
            make(home)
            # The last thing written, so that an interrupted installation begins again.
            stamp.write_text(wanted, encoding="ascii")
    return home


def python_with(name: str, lock: Path) -> Path:
    """The interpreter of an environment with what the lock file names. Raises CannotInstall."""

    def make(home: Path) -> None:
        run(name, sys.executable, "-m", "venv", str(home))
        run(name, str(home / "bin" / "python"), "-m", "pip", *_INSTALL, "-r", str(lock))

    return made_once(name, lock, make) / "bin" / "python"


def run(name: str, *command: str, cwd: Path | None = None) -> None:
    """A step of an installation. Raises CannotInstall with the end of what it printed."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)
    except OSError as error:
        raise CannotInstall(f"{name} can't be installed: {command[0]}: {error.strerror}") from error
    if done.returncode:
        raise CannotInstall(f"{name} can't be installed: {(done.stdout + done.stderr)[-500:]}")
