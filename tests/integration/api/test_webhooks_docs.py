"""The receiver of docs/webhooks.md verifies deliveries as the page says, and takes each once."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from keyledger.runtime.serving.server import bind_tcp
from keyledger.runtime.webhooks.http_receiver import HttpReceiver
from registry.webhooks.signing import new_secret, signed_headers
from tests.support.documents import ROOT
from tests.support.waiting import eventually

BODY = b'{"type":"keyledger.KeyCreated.v1","subject":"k3yPubl1cId0"}'


def example() -> str:
    """The code of the page."""
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/webhooks.md").read_text(encoding="utf-8"), re.DOTALL)
    return str(code)


@asynccontextmanager
async def started(folder: Path, secret: str) -> AsyncIterator[tuple[str, asyncio.StreamReader]]:
    """The receiver as a process: its URL, and what it prints."""
    file = folder / "receiver.py"
    file.write_text(example())
    with bind_tcp("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(file),
        env={**os.environ, "WEBHOOK_SECRET": secret, "PORT": str(port)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{port}/", process.stdout
    finally:
        process.kill()
        await process.communicate()


async def test_the_receiver_of_the_page_takes_what_is_signed_once_and_nothing_else(tmp_path: Path) -> None:
    secret, http = new_secret(), HttpReceiver(allow_private=True, timeout_s=5)

    async def send(url: str, message: str, signing: str, at_s: float) -> int | None:
        return (await http.send(url, signed_headers(message, at_s, BODY, [signing]), BODY)).status

    async with started(tmp_path, secret) as (url, printed):
        old = time.time() - 600
        status = await eventually(
            lambda: send(url, "msg_1", secret, old), lambda found: found is not None, timeout_s=20
        )
        assert status == 401, "an old timestamp"
        assert await send(url, "msg_1", new_secret(), time.time()) == 401, "another secret"
        assert [await send(url, one, secret, time.time()) for one in ("msg_1", "msg_1", "msg_2")] == [204, 204, 204]
        lines = [await printed.readline() for _ in range(2)]
    assert lines == [b"keyledger.KeyCreated.v1 k3yPubl1cId0\n"] * 2
    assert await printed.read() == b"", "what came again was not taken again"
    await http.close()
