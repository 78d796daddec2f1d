"""`keyledger up` as a person runs it: a process on a folder, stopped by signals, reached over TCP and by commands."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import psutil

from keyledger.demo.gateway_rows import GatewayRows
from keyledger.embedded.folder import DataFolder
from keyledger.embedded.operator_socket import socket_path_for_client
from tests.support.portal import AdminClient
from tests.support.processes.forked import Forked, run_forked
from tests.support.processes.in_process import run_in_process
from tests.support.waiting import eventually

READY_S = 60


class RegistryProcess:
    """One `keyledger up`, with further options and variables where they are given. Its log goes beside the folder."""

    def __init__(self, folder: Path, *options: str, environ: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self._options = options
        self._environ = {**os.environ, **(environ or {})}
        self.log = folder.with_name(f"{folder.name}.log")
        self.url = ""
        self._process: Forked | None = None

    async def start(self) -> None:
        """Return when it says that it is ready."""
        arguments = ("up", "--port", "0", *self._options, "--data", str(self.folder))
        self._process = await Forked.start(*arguments, environ=self._environ, log=self.log)
        async with asyncio.timeout(READY_S):
            async for line in self._process.stdout:
                if line.startswith(b"ready "):
                    self.url = line.decode().split()[1]
                    return
        raise AssertionError(f"it ended without being ready: {self.log.read_text()[-2000:]}")

    @property
    def runs(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.runs

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it runs."""
        assert self._process is not None
        self._process.send(number)

    async def wait(self) -> int:
        """Its exit code, when it has ended."""
        assert self._process is not None
        return await self._process.wait()

    async def kill(self) -> None:
        """kill -9."""
        self.send(signal.SIGKILL)
        await self.wait()

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Stop it by a signal; its exit code."""
        self.send(number)
        return await self.wait()

    def portal(self) -> AdminClient:
        """A client with the first admin token."""
        return AdminClient(self.url, (self.folder / "admin-token").read_text().strip())

    async def command(self, *arguments: str) -> tuple[int, str, str]:
        """Run a command on the folder as a shell does: exit code, stdout, stderr."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "keyledger.cli", *arguments, "--data", str(self.folder)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()

    async def ask(self, *arguments: str) -> tuple[int, str, str]:
        """The same, quicker: in this process while it runs, else forked. For wordings, refusals and repetitions."""
        if not self.runs:
            return await run_forked(*arguments, "--data", str(self.folder))
        return await run_in_process(*arguments, "--data", str(self.folder))

    async def json(self, *arguments: str) -> Any:
        """Ask with --json on the folder; what was printed."""
        code, out, err = await self.ask(*arguments, "--json")
        assert code == 0, err
        return json.loads(out)

    async def load(self, rows: GatewayRows, folder: Path) -> None:
        """Load all rows, by the operator's socket; may be called again with the same rows and another folder."""
        folder.mkdir()  # noqa: ASYNC240 - a test may wait for its disk
        with socket_path_for_client(DataFolder(self.folder)) as path:
            transport = httpx.AsyncHTTPTransport(uds=path)
            async with httpx.AsyncClient(transport=transport, base_url="http://operator", timeout=60) as client:
                for table, file in rows.write(folder).items():
                    answer = await client.post("/operator/load", json={"table": table, "files": [str(file)]})
                    assert answer.json().get("rows") == len(rows.tables[table]), answer.text

    async def applied_all(self) -> None:
        """Return when the projector has applied what is in the log."""

        async def lag() -> int:
            code, out, err = await self.ask("status", "--json")
            assert code in {0, 1}, err  # an alarm may be open, such as of a part that begins just now
            status = json.loads(out)
            return int(status["head"] - status["projectors"][0]["applied"])

        assert await eventually(lag, lambda positions: positions == 0, timeout_s=READY_S) == 0

    def postmasters(self) -> list[int]:
        """The PostgreSQL servers that stand in the folder."""
        data = str((self.folder / "postgres" / "data").resolve())
        found = []
        for process in psutil.process_iter(["name", "ppid"]):
            try:
                if process.info["name"] == "postgres" and process.cwd() == data:
                    parent = psutil.Process(process.info["ppid"])
                    if parent.name() != "postgres":
                        found.append(process.pid)
            except psutil.Error:
                continue
        return found
