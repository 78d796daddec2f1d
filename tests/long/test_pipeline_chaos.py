"""Relay, broker and projector are killed -9 again and again under load, connections are cut, a broker hangs.

Afterwards ClickHouse equals a fresh replay of the log, row for row, and every event that was acknowledged is there.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from registry.errors import Busy
from registry.keys.commands import EditKey
from registry.log.event_log import Caller
from registry.log.postgres import PostgresEventLog
from registry.service import KeyService, NewKey
from tests.support.ledger.workload import itself
from tests.support.processes.parts import (
    Part,
    applied,
    assert_equal_to_a_fresh_replay,
    environment,
    make_ledger,
)
from tests.support.servers.broker import JarBroker
from tests.support.servers.databases import Database

ROUNDS = 24
WRITERS = 6
CALLER = Caller("operator", reason="load")


@dataclass
class Load:
    """Writers that never rest, and every event that they were told is in the log: (key, version) to position."""

    log: PostgresEventLog
    rng: Random
    acknowledged: dict[tuple[str, int], int] = field(default_factory=dict)
    ended: bool = False

    async def write(self) -> None:
        """Create, tag and revoke until the end; a write without an answer may or may not be there."""
        keys, alive = KeyService(self.log, itself), list[str]()
        while not self.ended:
            try:
                if len(alive) < 20:
                    key = (await keys.create(NewKey({"customer_id": "new"}), CALLER)).key
                    alive.append(key.public_id)
                elif self.rng.random() < 0.05:
                    key = (await keys.revoke(alive.pop(self.rng.randrange(len(alive))), CALLER)).key
                else:
                    tags = {"customer_id": f"c{self.rng.randrange(10**6)}"}
                    key = (await keys.edit(self.rng.choice(alive), EditKey(tags=tags), CALLER)).key
            except Busy:
                continue
            self.acknowledged[key.public_id, key.version] = key.position
            await asyncio.sleep(0.01)  # some hundred events a second, so that what died has something to catch up with


@dataclass
class Pipeline:
    """The parts of production as processes, and what can happen to them."""

    broker: JarBroker
    database: Database
    publishers: list[Part]
    projector: Part
    rng: Random

    async def kill_a_publisher(self) -> None:
        """The active one or the standby."""
        await self._restarted(self.rng.choice(self.publishers))

    async def kill_the_projector(self) -> None:
        """In the middle of whatever it writes."""
        await self._restarted(self.projector)

    async def kill_everything(self) -> None:
        """All at once, as when a machine dies."""
        for part in (*self.publishers, self.projector):
            await part.kill()
        await self.kill_the_broker()
        for part in (*self.publishers, self.projector):
            await part.start()

    async def kill_the_broker(self) -> None:
        """And start it again."""
        await asyncio.to_thread(self.broker.kill)
        await asyncio.to_thread(self.broker.start)

    async def hang_the_broker(self) -> None:
        """Connections stay open and nothing answers, for longer than the clients wait for an answer."""
        os.kill(self.broker.pid, signal.SIGSTOP)
        await asyncio.sleep(12)
        os.kill(self.broker.pid, signal.SIGCONT)

    async def cut_the_connections(self) -> None:
        """Everybody's to the log: the lead's, the appends', the reads'."""
        async with self.database.connect() as owner:
            await owner.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    async def _restarted(self, part: Part) -> None:
        await part.kill()
        await asyncio.sleep(self.rng.random())
        await part.start()


@pytest.mark.long
@pytest.mark.timeout(1500)
async def test_whatever_dies_however_often_nothing_is_lost_and_the_ledger_is_the_logs(
    own_broker: JarBroker, topic: str, tmp_path: Path, database: Database, postgres_log: PostgresEventLog
) -> None:
    rng = Random(6)
    environ = environment(database, own_broker.bootstrap_servers, topic, tmp_path)
    await make_ledger(environ)
    publishers = [Part(tmp_path / f"publish-{name}.log", environ, "publish") for name in "12"]
    projector = Part(tmp_path / "project.log", environ, "project", "clickhouse", "--feed", "kafka")
    pipeline = Pipeline(own_broker, database, publishers, projector, rng)
    faults: list[Callable[[], Awaitable[None]]] = [
        pipeline.kill_a_publisher, pipeline.kill_the_projector, pipeline.kill_the_broker, pipeline.kill_everything,
        pipeline.hang_the_broker, pipeline.cut_the_connections,
    ]  # fmt: skip
    load = Load(postgres_log, rng)
    writers = [asyncio.create_task(load.write()) for _ in range(WRITERS)]
    done: Counter[str] = Counter()
    try:
        for part in (*publishers, projector):
            await part.start()
        for number in range(ROUNDS):
            await asyncio.sleep(rng.random() * 3)
            fault = faults[number % len(faults)]
            await fault()
            done[fault.__name__] += 1
            assert all(part.runs for part in (*publishers, projector)), (fault, projector.log)
        load.ended = True
        await asyncio.gather(*writers)
        head = await postgres_log.head()
        await applied(projector, head.position)
        assert (await projector.status())["alarms"] == []
    finally:
        load.ended = True
        await asyncio.gather(*writers, return_exceptions=True)
        for part in (*publishers, projector):
            await part.stop()
    assert min(done.values()) >= 4
    await assert_acknowledged(postgres_log, load)
    await assert_equal_to_a_fresh_replay(environ)


async def assert_acknowledged(log: PostgresEventLog, load: Load) -> None:
    """Every event that a writer was told of is in the log, where it was told to be."""
    there: dict[tuple[str, int], int] = {}
    position = 0
    while events := await log.read(position, 5000):
        there |= {(event.stream.removeprefix("key-"), event.version): event.position for event in events}
        position = events[-1].position
    assert len(load.acknowledged) > 1000
    assert load.acknowledged.items() <= there.items()
