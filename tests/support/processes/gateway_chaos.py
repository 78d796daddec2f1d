"""Load on a registry that is killed -9 again and again with its gateway's sync, and a look at the gateway meanwhile."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx

from tests.support.gateway.rules import Verdict, check
from tests.support.portal import AdminClient
from tests.support.processes.parts import Part
from tests.support.servers.databases import Database

WRITERS = 4
KEYS_EACH = 6
# What the gateway says of a secret that has ended.
CLOSED: frozenset[Verdict] = frozenset({"disabled", "expired"})


@dataclass
class OwnKey:
    """A key of one writer. One that may be resumed never ends: else a look could not tell a suspension from an end."""

    public_id: str
    texts: list[str]
    may_resume: bool


@dataclass
class Load:
    """Writers that never rest, and what was answered to them; `at_once`: it must then be in the gateway's table."""

    url: str
    token: str = field(repr=False)
    gateway: Database
    rng: Random
    at_once: bool
    up: asyncio.Event = field(default_factory=asyncio.Event)
    over: bool = False
    acknowledged: int = 0
    made: list[str] = field(default_factory=list, repr=False)
    ended: list[str] = field(default_factory=list, repr=False)  # secrets whose end was answered

    async def write(self) -> None:
        """Make keys, change and end them; a call without an answer may or may not have counted, so its key is left."""
        mine: list[OwnKey] = []
        async with AdminClient(self.url, self.token) as portal, self.gateway.connect() as driver:
            while not self.over:
                await self.up.wait()
                key = self.rng.choice(mine) if len(mine) >= KEYS_EACH else None
                try:
                    if key is None:
                        mine.append(await self._create(portal))
                    elif await self._change(portal, driver, key):
                        mine.remove(key)
                except (httpx.TransportError, httpx.HTTPStatusError) as error:
                    if isinstance(error, httpx.HTTPStatusError) and error.response.status_code != 503:
                        raise
                    mine = [one for one in mine if one is not key]
                    await asyncio.sleep(0.01)
                else:
                    self.acknowledged += 1

    async def acknowledge(self, more: int) -> None:
        """Return when so many more calls were answered."""
        target = self.acknowledged + more
        async with asyncio.timeout(60):
            while self.acknowledged < target:  # noqa: ASYNC110 - a count has no event
                await asyncio.sleep(0.01)

    async def _create(self, portal: AdminClient) -> OwnKey:
        made = await portal.create({}, description="new")
        self.made.append(made["api_key"])
        return OwnKey(made["public_id"], [made["api_key"]], self.rng.random() < 0.3)

    async def _change(self, portal: AdminClient, driver: Any, key: OwnKey) -> bool:
        """One call; whether the key has ended with it."""
        name = key.public_id
        if key.may_resume:
            verdict: Verdict = self.rng.choice(("disabled", "valid"))
            await (portal.suspend(name) if verdict == "disabled" else portal.resume(name))
            await self._hold(driver, key.texts, {verdict})
            return False
        match self.rng.randrange(6):
            case 0 | 1:
                await portal.edit(name, {"description": f"edit {self.rng.random()}", "expiration": None})
            case 2:
                await self._rotate(portal, driver, key)
            case 3:
                await portal.suspend(name)
                await self._hold(driver, key.texts, CLOSED)
            case 4 if len(key.texts) > 1:
                await self._end_credential(portal, driver, key)
            case _:
                # Where the sync writes the table, whoever waits for it is answered when it did.
                waits = not self.at_once and self.rng.random() < 0.2
                await portal.revoke(name, **({"wait_for": "gateway"} if waits else {}))
                await self._end(driver, key.texts, waits=waits)
                return True
        return False

    async def _rotate(self, portal: AdminClient, driver: Any, key: OwnKey) -> None:
        compromised = self.rng.random() < 0.5
        made = await portal.rotate(key.public_id, **({"compromised": True} if compromised else {"overlap_s": 3600}))
        self.made.append(made["api_key"])
        if compromised:
            await self._end(driver, key.texts)
            key.texts = []
        key.texts.append(made["api_key"])

    async def _end_credential(self, portal: AdminClient, driver: Any, key: OwnKey) -> None:
        text = key.texts.pop(0)
        await portal.revoke_credential(key.public_id, text.split("-")[2])
        await self._end(driver, [text])

    async def _end(self, driver: Any, texts: Iterable[str], *, waits: bool = False) -> None:
        self.ended += texts
        await self._hold(driver, texts, CLOSED, waits=waits)

    async def _hold(self, driver: Any, texts: Iterable[str], wanted: Iterable[Verdict], *, waits: bool = False) -> None:
        """Nobody but this writer changes the key: what was answered must be what the gateway says."""
        if self.at_once or waits:
            assert {await check(driver, text) for text in texts} <= set(wanted)


@dataclass
class Sampler:
    """Looks up, as the gateway does, every secret whose end was answered; `came_back`: closed once, and then not."""

    load: Load
    closed: set[str] = field(default_factory=set, repr=False)
    came_back: list[tuple[str, Verdict]] = field(default_factory=list)
    looks: int = 0

    async def run(self) -> None:
        """Look until the load is over."""
        async with self.load.gateway.connect() as driver:
            while not self.load.over:
                for text in tuple(self.load.ended):
                    verdict = await check(driver, text)
                    if verdict in CLOSED:
                        self.closed.add(text)
                    elif text in self.closed or self.load.at_once:
                        self.came_back.append((text.split("-")[2], verdict))
                    self.looks += 1
                await asyncio.sleep(0)


@asynccontextmanager
async def under_load(load: Load) -> AsyncIterator[Sampler]:
    """Writers and the sampler, until the block ends; then what one of them failed with is raised."""
    sampler = Sampler(load)
    tasks = [asyncio.create_task(work()) for work in (*[load.write] * WRITERS, sampler.run)]
    try:
        yield sampler
    finally:
        load.over = True
        load.up.set()
        await asyncio.gather(*tasks)


async def kill_again_and_again(load: Load, registry: Part, syncs: list[Part], rounds: int, writes: int) -> None:
    """Kill -9 the registry, a sync, or all of them, each after some more answers, and start them again."""
    for number in range(rounds):
        await load.acknowledge(load.rng.randrange(1, writes))
        victims = [[registry], syncs[number % len(syncs) :][:1] if syncs else [registry], [registry, *syncs]][
            number % 3
        ]
        if registry in victims:
            load.up.clear()
        for part in victims:
            await part.kill()
        if registry not in victims:
            await load.acknowledge(load.rng.randrange(1, writes))  # which no sync brings to the gateway yet
        for part in victims:
            await part.start()
        load.up.set()


def free_port() -> int:
    """A port for a server that is to come back on it."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])
