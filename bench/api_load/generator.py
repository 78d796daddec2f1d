"""autocannon, the load generator, from npm: made in a folder of the run by its lock file. It needs node and npm."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Answered:
    """How many requests were answered in a second, and the slowest of a hundred, in ms."""

    a_second: float
    p99_ms: float


def install(folder: Path) -> Path:
    """The program."""
    folder.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, folder)
    quiet = ("--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
    subprocess.run(["npm", "ci", *quiet], cwd=folder, check=True)  # noqa: S607 - the one on the path
    return folder / "node_modules" / "autocannon" / "autocannon.js"


def load(program: Path, url: str, token: str, *, clients: int, seconds: int, body: Any = None) -> Answered:
    """Ask the same again and again; each answer must be a good one."""
    asked = [] if body is None else ["-m", "POST", "-H", "content-type=application/json", "-b", json.dumps(body)]
    command = ["node", str(program), "-j", "-n", "-c", str(clients), "-d", str(seconds), *asked]
    done = subprocess.run(
        [*command, "-H", f"authorization=Bearer {token}", url], check=True, capture_output=True, text=True
    )
    found = json.loads(done.stdout)
    if found["non2xx"] or found["errors"]:
        raise RuntimeError(f"{found['non2xx']} answers were not good, {found['errors']} did not come")
    return Answered(found["requests"]["average"], found["latency"]["p99"])
