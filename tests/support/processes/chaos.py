"""Load on a registry that is killed -9 again and again, and what must hold afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx

from keyledger.demo.gateway_rows import GatewayRows, KeyUse, generate
from registry.instant import parse_instant, to_ms
from tests.support.oracle.truth import assert_bill_is_right, facts_of, rows_of
from tests.support.portal import AdminClient
from tests.support.processes.acknowledged import assert_all_there
from tests.support.processes.registry_process import RegistryProcess

WRITERS = 8


@dataclass
class Chaos:
    """A registry under load, and all that it has acknowledged."""

    process: RegistryProcess
    rng: Random
    scratch: Path
    keys: list[str] = field(default_factory=list)
    created_ms: dict[str, int] = field(default_factory=dict)
    acknowledged: dict[tuple[str, int], int] = field(default_factory=dict)  # (key, version) to position
    loaded: list[GatewayRows] = field(default_factory=list)
    waiting: list[GatewayRows] = field(default_factory=list)

    async def round(self, writes: int) -> None:
        """Start, write until `writes` more are acknowledged, kill -9 in the middle of it."""
        await self.process.start()
        assert len(self.process.postmasters()) == 1
        enough = asyncio.Event()
        target = len(self.acknowledged) + writes
        tasks = [asyncio.create_task(self._write(enough, target)) for _ in range(WRITERS)]
        tasks.append(asyncio.create_task(self._load(enough)))
        await enough.wait()
        await self.process.kill()
        await asyncio.gather(*tasks)

    async def check(self, group_by: list[str]) -> None:
        """Start once more: everything acknowledged is there, and the bill is the oracle's."""
        await self.process.start()
        for rows in self.waiting:
            await self._load_one(rows)
        async with self.process.portal() as portal:
            await assert_all_there(portal, self.acknowledged)
            facts = await facts_of(portal, await self._all_keys(portal))
            bill = await assert_bill_is_right(portal, facts, rows_of(self.loaded), group_by)
        (applied,) = await self.process.json(
            "sql", "SELECT count(DISTINCT position) AS n, max(position) AS last FROM keyledger.event_applied"
        )
        assert applied["n"] == applied["last"] >= bill["position"], "an anchor of usage may have come since"
        assert len(self.process.postmasters()) == 1
        assert await self.process.stop() == 0
        assert self.process.postmasters() == []

    async def _all_keys(self, portal: AdminClient) -> list[str]:
        """Also those whose creation was never acknowledged."""
        answer = await portal.http.get("/admin/api-keys", params={"limit": 1000})
        page = answer.json()
        assert page["next_cursor"] is None
        return [key["public_id"] for key in page["items"]]

    async def _write(self, enough: asyncio.Event, target: int) -> None:
        try:
            async with self.process.portal() as portal:
                while not enough.is_set():
                    self._note(await self._one_write(portal))
                    if len(self.acknowledged) >= target:
                        enough.set()
        except httpx.TransportError:
            return  # it was killed; what was not acknowledged may or may not be there

    async def _one_write(self, portal: AdminClient) -> dict[str, Any]:
        if len(self.keys) < WRITERS or self.rng.random() < 0.1:
            return await portal.create({"customer_id": f"customer-{self.rng.randrange(5)}"})
        key = self.rng.choice(self.keys)
        tags = {"tags": {"customer_id": f"customer-{self.rng.randrange(1000)}"}}
        if self.rng.random() < 0.3:
            at = (await portal.show(key))["created_at"]
            return await portal.edit(key, tags, effective_at=at, reason="correction")
        return await portal.edit(key, tags)

    def _note(self, key: dict[str, Any]) -> None:
        public_id = key["public_id"]
        if "api_key" in key:
            self.keys.append(public_id)
            self.created_ms[public_id] = to_ms(parse_instant(key["created_at"]))
        self.acknowledged[public_id, key["version"]] = key["position"]

    async def _load(self, enough: asyncio.Event) -> None:
        while not enough.is_set():
            if not self.keys:
                await asyncio.wait_for(asyncio.shield(asyncio.create_task(enough.wait())), None)
                return
            uses = [KeyUse(key, self.created_ms[key]) for key in self.keys[-20:]]
            began = min(use.since_ms for use in uses)
            rows = generate(self.rng.randrange(10**9), uses, began - 50, began + 3000, 40)
            self.waiting.append(rows)
            try:
                await self._load_one(rows)
            except httpx.TransportError:
                return
            self.waiting.remove(rows)

    async def _load_one(self, rows: GatewayRows) -> None:
        """Load, and load again what was not acknowledged: once in effect."""
        await self.process.load(rows, self.scratch / f"{self.rng.getrandbits(64):x}")
        self.loaded.append(rows)


async def survive(
    process: RegistryProcess,
    *,
    seed: int,
    kills: int,
    writes: int,
    between: Callable[[Random], Awaitable[None]] | None = None,
) -> None:
    """Kill `kills` times, each after `writes` acknowledged writes or so, then check; do `between` after each."""
    rng = Random(seed)
    scratch = process.folder.with_name("rows")
    scratch.mkdir()
    chaos = Chaos(process, rng, scratch)
    for _ in range(kills):
        await chaos.round(rng.randrange(1, writes))
        if between is not None:
            await between(rng)
    await chaos.check(["customer_id"])
