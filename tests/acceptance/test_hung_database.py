"""A PostgreSQL that is there and says nothing: everybody gets an answer in time, and later all is as it was."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from registry.retry import poll_until
from tests.support.processes.initialised import InitialisedFolder
from tests.support.processes.registry_process import RegistryProcess


@asynccontextmanager
async def hung(registry: RegistryProcess) -> AsyncIterator[None]:
    """PostgreSQL, all of its processes stopped by SIGSTOP."""
    (server,) = (psutil.Process(pid) for pid in registry.postmasters())
    processes = [server, *server.children(recursive=True)]
    for one in processes:
        one.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for one in processes:
            one.send_signal(signal.SIGCONT)


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_nobody_waits_for_ever(tmp_path: Path, initialised: InitialisedFolder) -> None:
    registry = await initialised.registry(tmp_path / "data")
    await registry.start()
    async with registry.portal() as portal:
        key = await portal.create({"customer_id": "acme"})
        token = (registry.folder / "admin-token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=registry.url, headers=headers, timeout=60) as client:

            async def timed(method: str, path: str) -> tuple[int, float]:
                began = time.monotonic()
                body = {"tags": {"customer_id": "late"}} if method == "POST" else None
                status = (await client.request(method, path, json=body)).status_code
                return status, time.monotonic() - began

            async with hung(registry):
                answers = await asyncio.gather(
                    timed("GET", "/healthz"),
                    timed("GET", "/readyz"),
                    timed("GET", f"/admin/api-keys/{key['public_id']}"),
                    timed("GET", "/admin/api-keys"),
                    timed("POST", "/admin/api-keys"),
                    timed("DELETE", f"/admin/api-keys/{key['public_id']}"),
                )
            assert [status for status, _ in answers] == [200, 503, 503, 503, 503, 503]
            assert answers[0][1] < 2
            assert answers[1][1] < 5
            assert max(seconds for _, seconds in answers) < 40

            async def answers_again() -> bool:
                return (await client.get("/admin/api-keys")).status_code == 200

            assert await poll_until(answers_again, bool, timeout_s=40)
        await portal.create({"customer_id": "after"})
    assert (await registry.ask("audit", "verify"))[0] == 0
    assert await registry.stop() == 0
