"""The parts of production as processes of their own: `publish`, `project`, on the databases of a test."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import httpx

from tests.support.processes.forked import Forked, run_forked
from tests.support.processes.registry_process import READY_S
from tests.support.servers.databases import Database, plain

PATIENCE_S = 90.0


class Part:
    """One command that runs until it is stopped or killed. Its log goes to a file."""

    def __init__(self, log: Path, environ: dict[str, str], *arguments: str) -> None:
        self._log = log
        self._environ = {**os.environ, **environ}
        self._arguments = arguments
        self._process: Forked | None = None
        self.url = ""

    @property
    def runs(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.runs

    async def start(self) -> None:
        """Return when it says that it is ready."""
        self._process = await Forked.start(*self._arguments, environ=self._environ, log=self._log)
        async with asyncio.timeout(READY_S):
            line = (await self._process.stdout.readline()).decode()
        assert line.startswith("ready "), self.log
        self.url = line.split()[1]

    async def kill(self) -> None:
        """kill -9."""
        assert self._process is not None
        self._process.send(signal.SIGKILL)
        await self._process.wait()

    async def stop(self) -> None:
        """Stop it if it runs; cleanly, or else the test fails."""
        if self.runs and self._process is not None:
            self._process.send(signal.SIGTERM)
            assert await self._process.wait() == 0, self.log

    async def get(self, path: str) -> httpx.Response:
        """Ask it."""
        async with httpx.AsyncClient(base_url=self.url, timeout=30) as client:
            return await client.get(path)

    async def status(self) -> dict[str, Any]:
        """What it reads of the log and its followers."""
        answer = await self.get("/readyz")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    @property
    def log(self) -> str:
        """The end of what it logged."""
        return self._log.read_text(encoding="utf-8", errors="replace")[-3000:]


def environment(database: Database, bootstrap_servers: str, topic: str, folder: Path) -> dict[str, str]:
    """The settings of every part; ClickHouse is the embedded engine, which one process at a time can open."""
    given = os.environ.get("KEYLEDGER_TEST_CLICKHOUSE_URL")
    name = f"ledger_{topic.rpartition('.')[2]}"
    return {
        "KEYLEDGER_DATABASE_URL": plain(database.app_url),
        "KEYLEDGER_CLICKHOUSE_URL": given or f"chdb://{folder / 'clickhouse'}",
        "KEYLEDGER_CLICKHOUSE_DATABASE": name,
        "KEYLEDGER_GATEWAY_CLICKHOUSE_DATABASE": f"{name}_gateway",
        "KEYLEDGER_KAFKA_BOOTSTRAP_SERVERS": bootstrap_servers,
        "KEYLEDGER_KAFKA_TOPIC": topic,
        "KEYLEDGER_KAFKA_GROUP": topic,
        "KEYLEDGER_KAFKA_PARTITIONS": "3",
    }


async def make_ledger(environ: dict[str, str]) -> None:
    """`keyledger ddl`."""
    code, _, err = await run_forked("ddl", "--gateway-tables", environ=environ)
    assert code == 0, err


async def applied(projector: Part, position: int) -> None:
    """Return when the projector's ledger has a position."""
    async with asyncio.timeout(PATIENCE_S):
        while (await projector.status())["projectors"][0]["applied"] < position:
            assert projector.runs, projector.log
            await asyncio.sleep(0.1)


async def assert_equal_to_a_fresh_replay(environ: dict[str, str]) -> None:
    """In a process of its own, as the engine has room for one folder in each: the ledger is that of the log."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.processes.compare",
        env={**os.environ, **environ}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()[-3000:]
