"""A PostgreSQL that is there and says nothing: everybody gets an answer in time, and later all is as it was."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import httpx
import pytest

from tests.support.processes.acknowledged import assert_all_there
from tests.support.processes.initialised import InitialisedFolder
from tests.support.processes.registry_process import RegistryProcess
from tests.support.processes.running import hung_postgres
from tests.support.waiting import eventually


class Writers:
    """Writers that go on whatever they are answered, and what was acknowledged to them: (key, version) to position."""

    def __init__(self, registry: RegistryProcess) -> None:
        self._registry = registry
        self.acknowledged: dict[tuple[str, int], int] = {}
        self.refused = [0] * 8
        self.statuses: set[int] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """They write until the block ends, or the process does."""
        tasks = [asyncio.create_task(self._write(number)) for number in range(len(self.refused))]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def more(self, writes: int) -> None:
        """Return when so many more writes are acknowledged."""
        target = len(self.acknowledged) + writes
        assert await eventually(self._count, lambda found: found >= target, timeout_s=60) >= target

    async def all_refused(self) -> None:
        """Return when each of them has got one more refusal."""
        before = list(self.refused)

        async def patient() -> int:
            return sum(now == then for now, then in zip(self.refused, before, strict=True))

        assert await eventually(patient, lambda left: left == 0, timeout_s=90) == 0

    async def assert_all_there(self) -> None:
        """Every acknowledged event is where it was acknowledged."""
        async with self._registry.portal() as portal:
            await assert_all_there(portal, self.acknowledged)

    async def _count(self) -> int:
        return len(self.acknowledged)

    async def _write(self, number: int) -> None:
        async with self._registry.portal() as portal:
            public_id = ""
            for serial in count():
                tags = {"customer_id": f"customer-{number}-{serial}"}
                try:
                    edited = portal.edit(public_id, {"tags": tags}) if public_id else portal.create(tags)
                    key = await edited
                except httpx.HTTPStatusError as refusal:
                    self.statuses.add(refusal.response.status_code)
                    self.refused[number] += 1
                    continue
                public_id = key["public_id"]
                self.acknowledged[public_id, key["version"]] = key["position"]


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_what_was_acknowledged_stays_when_the_database_hangs_under_writers_and_when_it_dies_so(
    tmp_path: Path, initialised: InitialisedFolder
) -> None:
    registry = await initialised.registry(tmp_path / "data")
    await registry.start()
    writers = Writers(registry)
    async with writers.running():
        await writers.more(50)
        async with hung_postgres(registry):
            await writers.all_refused()
        await writers.more(50)
        async with hung_postgres(registry):
            await registry.kill()
    await registry.start()
    assert writers.statuses == {503}
    await writers.assert_all_there()
    assert len(registry.postmasters()) == 1
    assert (await registry.ask("audit", "verify"))[0] == 0
    assert await registry.stop() == 0


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

            async with hung_postgres(registry):
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

            assert await eventually(answers_again, bool, timeout_s=40)
        await portal.create({"customer_id": "after"})
    assert (await registry.ask("audit", "verify"))[0] == 0
    assert await registry.stop() == 0
