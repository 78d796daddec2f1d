"""What a container's health check runs tells a command that is ready from one that is not, and from none."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from keyledger.http.app import operations_app
from keyledger.runtime.serving.health import Health
from keyledger.runtime.serving.server import bind_tcp, serving
from keyledger.runtime.status import Status
from keyledger.runtime.watching.follower_status import Redelivered
from projections.errors import ClickHouseUnavailable
from tests.support.servers.broker import free_port


@asynccontextmanager
async def listening(failure: Exception | None) -> AsyncIterator[int]:
    """A command with nothing wrong but this failure; its port."""

    async def status() -> Status:
        return Status("log", 7, None, (), (), 0, Redelivered(0, None), ())

    tcp = bind_tcp("127.0.0.1", 0)
    async with serving([(operations_app(Health(status, lambda: failure, part="projector")), tcp)]):
        yield tcp.getsockname()[1]


async def check(port: int) -> tuple[int | None, str]:
    """The exit code of the health check on a port, and what it prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "keyledger.healthcheck", str(port), stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await process.communicate()
    return process.returncode, printed.decode()


async def test_a_command_that_is_ready_is_healthy() -> None:
    async with listening(None) as port:
        code, printed = await check(port)
    assert code == 0
    assert '"head":7' in printed


async def test_a_command_whose_work_has_stopped_is_not_and_the_reason_is_printed() -> None:
    async with listening(ClickHouseUnavailable()) as port:
        code, printed = await check(port)
    assert code == 1
    assert str(ClickHouseUnavailable()) in printed


async def test_where_nothing_listens_nothing_is_healthy() -> None:
    assert (await check(free_port()))[0] == 1
