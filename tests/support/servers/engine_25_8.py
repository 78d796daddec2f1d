"""The environment with the engine of ClickHouse 25.8, the oldest that is supported: made once below .venv."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[3]
_LOCK = _ROOT / "tests" / "support" / "clickhouse_http" / "requirements-25.8.lock"
_HOME = _ROOT / ".venv" / "chdb-3.7.2"


class NoEngine(Exception):
    """The environment can't be made here; the message says why."""


def python_25_8() -> str:
    """The environment's interpreter. The first call takes a minute and 1.2 GB; others wait for it. Raises NoEngine."""
    _HOME.parent.mkdir(exist_ok=True)
    with _HOME.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = _HOME / ".ready"
        wanted = hashlib.sha256(_LOCK.read_bytes()).hexdigest()
        if not stamp.exists() or stamp.read_text(encoding="ascii") != wanted:
            _make()
            # The last thing written, so that an interrupted installation begins again.
            stamp.write_text(wanted, encoding="ascii")
    return str(_python())


def _make() -> None:
    shutil.rmtree(_HOME, ignore_errors=True)
    _run(sys.executable, "-m", "venv", str(_HOME))
    install = ("install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-compile", "--require-hashes")
    _run(str(_python()), "-m", "pip", *install, "-r", str(_LOCK))


def _python() -> Path:
    return _HOME / "bin" / "python"


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoEngine(f"ClickHouse 25.8's engine can't be installed: {(done.stdout + done.stderr)[-500:]}")
