"""A ClickHouse server for tests: the environment's, a container, or the HTTP front over the embedded engine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from tenacity import Retrying, stop_after_delay, wait_fixed

from tests.support.servers.docker import container
from tests.support.servers.images import CLICKHOUSE as IMAGE

# The URL of a server whose user may make databases and functions.
VARIABLE = "KEYLEDGER_TEST_CLICKHOUSE_URL"
READY_S = 60.0
_ROOT = Path(__file__).resolve().parents[3]


@contextmanager
def given_server() -> Iterator[str | None]:
    """The URL of the environment's server, else of a container; None where neither is."""
    if given := os.environ.get(VARIABLE):
        yield given
        return
    # As a server is before anybody sets it up: its dictionaries read as `default`, which must have no password.
    with container(IMAGE, 8123, {"CLICKHOUSE_SKIP_USER_SETUP": "1"}) as place:
        if place is None:
            yield None
            return
        host, port = place
        for attempt in Retrying(stop=stop_after_delay(READY_S), wait=wait_fixed(0.2), reraise=True):
            with attempt:
                httpx.get(f"http://{host}:{port}/ping").raise_for_status()
        yield f"http://default@{host}:{port}"


class Front:
    """The HTTP front on a folder, as a process: started, killed and started again as often as a test likes.

    `python` is the interpreter of the environment whose engine it runs. It dies with this process.
    """

    def __init__(self, folder: Path, *options: str, python: str = sys.executable) -> None:
        self._folder = folder
        self._options = options
        self._python = python
        self._log = folder.with_name(f"{folder.name}.log")
        self._process: subprocess.Popen[str] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """Where it answers, with the user that may do all."""
        return f"http://default@127.0.0.1:{self.port}"

    def start(self) -> None:
        """Return when it is ready; after a kill it has the port that it had. Blocks for a second or two."""
        command = [self._python, "-m", "tests.support.clickhouse_http", "--with-parent"]
        command += ["--data", str(self._folder), "--port", str(self.port), *self._options]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
                env=os.environ | {"PYTHONPATH": str(_ROOT)},
            )  # fmt: skip
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.startswith("ready "), self._log.read_text(encoding="utf-8", errors="replace")[-2000:]
        self.port = int(line.rpartition(":")[2])

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        process.wait()

    def arm(self, kind: str, match: str) -> None:
        """Break the next statement that contains a text: see `tests.support.clickhouse_http.faults`."""
        httpx.post(self._path("fault"), params={"kind": kind, "match": match}).raise_for_status()

    async def held(self) -> None:
        """Return when the front holds a statement."""
        async with httpx.AsyncClient(timeout=READY_S) as client:
            (await client.get(self._path("held"))).raise_for_status()

    def _path(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port}/-/{name}"


@contextmanager
def running_front(folder: Path, *options: str, python: str = sys.executable) -> Iterator[Front]:
    """A front until the block ends. What it has acknowledged is on the disk, so it is killed."""
    front = Front(folder, *options, python=python)
    try:
        front.start()
        yield front
    finally:
        front.kill()
