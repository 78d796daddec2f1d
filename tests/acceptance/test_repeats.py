"""kill -9 in the middle of creations: who repeats them gets each key once, with its secret, and none is an orphan."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from tests.support.processes.initialised import InitialisedFolder
from tests.support.processes.registry_process import RegistryProcess

KEYS = "/admin/api-keys"
WRITERS = 8


class Portal:
    """Creates keys, each under an idempotency key of its own, and knows which have no answer."""

    def __init__(self, process: RegistryProcess, rng: Random) -> None:
        self.process = process
        self.unanswered: set[str] = set()
        self.made: dict[str, dict[str, Any]] = {}
        self.replayed = 0
        self._rng = rng
        self._numbers: Iterator[int] = count()

    async def round(self) -> None:
        """Repeat what has no answer, create some more, and kill -9 in the middle of it."""
        await self.process.start()
        await self.repeat_all()
        target, enough = len(self.made) + self._rng.randrange(1, 60), asyncio.Event()
        writers = [asyncio.create_task(self._create_on(enough, target)) for _ in range(WRITERS)]
        await enough.wait()
        await self.process.kill()
        await asyncio.gather(*writers)

    async def repeat_all(self) -> None:
        """Repeat each request that has no answer, by several at once."""
        async with self.process.portal() as portal:
            await asyncio.gather(*(self._create(portal.http, name) for name in sorted(self.unanswered)))

    async def _create_on(self, enough: asyncio.Event, target: int) -> None:
        try:
            async with self.process.portal() as portal:
                while not enough.is_set():
                    name = f"request-{next(self._numbers)}"
                    self.unanswered.add(name)
                    await self._create(portal.http, name)
                    if len(self.made) >= target:
                        enough.set()
        except httpx.TransportError:
            return

    async def _create(self, http: httpx.AsyncClient, name: str) -> None:
        """One key, or by every fourth request three at once."""
        headers = {"Idempotency-Key": name}
        names = [f"{name}.{number}" for number in range(3)] if name[-1] in "048" else [name]
        if len(names) == 1:
            answer = await http.post(KEYS, json={"description": name}, headers=headers)
        else:
            items = [{"description": one} for one in names]
            answer = await http.post(f"{KEYS}/bulk-create", json={"items": items}, headers=headers)
        assert answer.status_code == 201, answer.text
        self.replayed += "idempotency-replayed" in answer.headers
        made = answer.json()
        self.made |= dict(zip(names, made.get("items", [made]), strict=True))
        self.unanswered.discard(name)


async def survive(process: RegistryProcess, *, seed: int, kills: int) -> None:
    """Kill it so often, repeat what was lost, and look that each request was done once."""
    portal = Portal(process, Random(seed))
    for _ in range(kills):
        await portal.round()
    await process.start()
    await portal.repeat_all()
    assert portal.unanswered == set()
    found: list[dict[str, Any]] = []
    async with process.portal() as client:
        asked = {"limit": "1000"}
        while "cursor" not in asked or asked["cursor"]:
            page = (await client.http.get(KEYS, params=asked)).json()
            found += page["items"]
            asked["cursor"] = page["next_cursor"]
        again = await client.http.post(
            KEYS, json={"description": "request-1"}, headers={"Idempotency-Key": "request-1"}
        )
    assert sorted(key["description"] for key in found) == sorted(portal.made), "each once"
    for name, key in portal.made.items():
        assert key["api_key"].split("-")[2] == key["public_id"]
        assert [one["public_id"] for one in found if one["description"] == name] == [key["public_id"]]
    assert again.json() == portal.made["request-1"], "also after all these restarts"
    assert await process.stop() == 0


async def test_two_kills_leave_no_orphan(tmp_path: Path, initialised: InitialisedFolder) -> None:
    await survive(await initialised.registry(tmp_path / "data"), seed=3, kills=2)


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_twenty_kills_leave_no_orphan(tmp_path: Path, initialised: InitialisedFolder) -> None:
    await survive(await initialised.registry(tmp_path / "data"), seed=4, kills=20)
