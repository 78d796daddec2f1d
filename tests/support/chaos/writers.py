"""Callers that change keys whatever happens to the registry, and what each of them was answered."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from random import Random
from typing import Any

import httpx

from keyledger.demo.gateway_rows import KeyUse
from registry.instant import parse_instant, to_ms
from tests.support.portal import AdminClient
from tests.support.processes.registry_process import RegistryProcess
from tests.support.waiting import eventually

PAUSE_S = 0.1  # between two changes of one writer: an oracle in Python goes over all of them after each round
REFUSALS = {404, 409, 422, 429, 503}
OUTCOME_UNKNOWN = "read the key before you try again"  # of all other refusals nothing may be in the log
WRITERS = 3
Key = dict[str, Any]


@dataclass
class Writers:
    """Each change has a mark of its own, which the log shows: as its reason, a creation as its description."""

    process: RegistryProcess
    rng: Random
    created: dict[str, Key] = field(default_factory=dict)
    uses: dict[str, KeyUse] = field(default_factory=dict)  # by credential
    acknowledged: dict[tuple[str, int], int] = field(default_factory=dict)  # key and version to position
    recorded: set[str] = field(default_factory=set)  # marks of acknowledged changes that always leave an event
    refused: dict[str, str] = field(default_factory=dict)  # mark to what was answered
    marks: Any = field(default_factory=count)
    over: bool = False

    async def write(self) -> None:
        """Change keys until it is over. A change without an answer may or may not be in the log."""
        while not self.over:
            try:
                async with self.process.portal() as portal:
                    while not self.over:
                        await self._change_one(portal, f"mark {next(self.marks)}")
                        await asyncio.sleep(PAUSE_S)
            except httpx.TransportError:
                await asyncio.sleep(PAUSE_S)

    async def acknowledge(self, more: int, within_s: float = 60) -> None:
        """Return when so many more changes were answered."""
        target = len(self.acknowledged) + more

        async def done() -> int:
            return len(self.acknowledged)

        answered = await eventually(done, lambda number: number >= target, timeout_s=within_s)
        assert answered >= target, f"{target - answered} of {more} changes were not taken within {within_s} s"

    async def _change_one(self, portal: AdminClient, mark: str) -> None:
        try:
            key = await self._change(portal, mark)
        except httpx.HTTPStatusError as error:
            answer = error.response
            assert answer.status_code in REFUSALS, answer.text
            if OUTCOME_UNKNOWN not in answer.text:
                self.refused[mark] = answer.text
            return
        self.created.setdefault(key["public_id"], key)
        for one in key["credentials"]:
            use = KeyUse(one["credential_id"], to_ms(parse_instant(one["created_at"])) - 50)
            self.uses.setdefault(use.credential_id, use)
        self.acknowledged.setdefault((key["public_id"], key["version"]), key["position"])
        if key["tags"].get("serial") == mark:
            self.recorded.add(mark)

    async def _change(self, portal: AdminClient, mark: str) -> Key:
        tags = {"customer_id": f"customer-{self.rng.randrange(8)}", "serial": mark}
        if len(self.created) < 6 or self.rng.random() < 0.06:
            return await portal.create(tags, description=mark)
        public_id = self.rng.choice(list(self.created))
        chance = self.rng.random()
        if chance < 0.5:
            return await portal.edit(public_id, {"tags": tags}, reason=mark)
        if chance < 0.75:
            made = parse_instant(self.created[public_id]["created_at"])
            at = made + timedelta(milliseconds=self.rng.randrange(3000))
            return await portal.edit(public_id, {"tags": tags}, effective_at=at.isoformat(), reason=mark)
        if chance < 0.9:
            turn = self.rng.choice((portal.suspend, portal.resume))
            return await turn(public_id, reason=mark)
        if chance < 0.97:
            return await portal.rotate(public_id, overlap_s=3600)
        return await portal.revoke(public_id, reason=mark)
