"""A registry as it is run: `keyledger up` in a process of its own, on a new folder."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

MANY = httpx.Limits(max_connections=None, max_keepalive_connections=None)


@dataclass(frozen=True, slots=True)
class Running:
    """The process, its folder, and how it is reached."""

    process: psutil.Process
    folder: Path
    url: str
    token: str

    def client(self) -> httpx.AsyncClient:
        """A client with the first admin token, and as many connections as are asked for."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=600, limits=MANY)

    def sql(self, statement: str) -> None:
        """Run a statement in its engine, as the operator."""
        subprocess.run(
            [sys.executable, "-m", "keyledger.cli", "sql", "--data", str(self.folder), statement],
            check=True,
            stdout=subprocess.DEVNULL,
        )


@contextmanager
def registry(folder: Path) -> Iterator[Running]:
    """A running registry on `folder`, ended afterwards."""
    with started(folder, "keyledger.cli", "up", "--data", str(folder), "--port", "0") as (running, _):
        yield running


@contextmanager
def started(folder: Path, *module: str) -> Iterator[tuple[Running, list[str]]]:
    """A module's process that serves a registry on `folder`, ended afterwards; and its words after `ready URL`."""
    with subprocess.Popen(
        [sys.executable, "-m", *module], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            words = process.stdout.readline().split()
            while words[:1] != ["ready"]:
                words = process.stdout.readline().split()
            token = (folder / "admin-token").read_text().strip()
            yield Running(psutil.Process(process.pid), folder, words[1], token), words[2:]
        finally:
            process.terminate()
            process.wait(600)
