"""What may happen to a registry: to its disk, its files, its clock, its processes, its connections and its callers.

Each fault returns when it is over, and leaves the rest to `Operator`: a process that has ended is not started here.
"""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random

from keyledger.embedded.postgresql.cluster import OWNER
from tests.support.chaos.callers import leave
from tests.support.chaos.clock import set_clock
from tests.support.chaos.parts import cut, tables
from tests.support.chaos.usage import Usage
from tests.support.chaos.writers import Writers
from tests.support.processes.registry_process import RegistryProcess
from tests.support.processes.running import embedded, hung_postgres
from tests.support.small_disk import fill
from tests.support.waiting import eventually

GATEWAY = "tensorzero"
LEDGER = "keyledger"


@dataclass
class Faults:
    """They happen while writers, loads and bills go on."""

    process: RegistryProcess
    writers: Writers
    usage: Usage
    disk: Path
    rng: Random
    damage: list[str] = field(default_factory=list)

    async def nothing(self) -> None:
        """All is well."""

    async def disk_full(self) -> None:
        """To the last byte."""
        ballast, before = self.disk / "ballast", len(self.writers.refused)
        fill(ballast)

        async def noticed() -> bool:
            return len(self.writers.refused) > before or not self.process.runs

        assert await eventually(noticed, bool, timeout_s=30)
        await self._last(2)
        ballast.unlink()

    async def part_of_the_ledger_cut(self) -> None:
        """While it is stopped."""
        await self._cut(LEDGER)

    async def part_of_the_gateway_cut(self) -> None:
        """While it is stopped."""
        await self._cut(GATEWAY)

    async def clock_far_ahead(self) -> None:
        """By an hour: no change may be recorded, but a key can be stopped."""
        await self._changes_refused(timedelta(hours=1))

    async def clock_far_back(self) -> None:
        """By a minute: the same."""
        await self._changes_refused(-timedelta(minutes=1))

    async def clock_ahead_by_little(self) -> None:
        """So little that changes are recorded, which no clock that is right again can take back."""
        await set_clock(self.process, timedelta(seconds=20))
        await self.writers.acknowledge(6)
        await set_clock(self.process, timedelta(0))

    async def postgres_hung(self) -> None:
        """All of its processes, sometimes for longer than anybody waits for an answer."""
        async with hung_postgres(self.process):
            await self._last(self.rng.choice((1, 4, 20)))

    async def registry_hung(self) -> None:
        """For a while."""
        self.process.send(signal.SIGSTOP)
        await self._last(3)
        self.process.send(signal.SIGCONT)

    async def registry_killed(self) -> None:
        """In the middle of whatever it does."""
        await self.process.kill()

    async def postgres_killed(self) -> None:
        """The registry can't go on without it, and says so by its exit code."""
        (server,) = self.process.postmasters()
        os.kill(server, signal.SIGKILL)
        async with asyncio.timeout(30):
            assert await self.process.wait() == 1

    async def registry_stopped(self) -> None:
        """During work it ends as cleanly as at rest."""
        async with asyncio.timeout(20):
            assert await self.process.stop() == 0

    async def connections_cut(self) -> None:
        """All of the registry's to PostgreSQL, three times."""
        for _ in range(3):
            async with embedded(self.process.folder, OWNER) as owner:
                await owner.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                    " AND backend_type = 'client backend'"
                )
            await self.writers.acknowledge(2)

    async def callers_leave(self) -> None:
        """Those of changes, bills and audits, in the middle of what they say or wait for."""
        token = (self.process.folder / "admin-token").read_text().strip()
        leaving = [leave(self.process.url, token, self.rng, mark=f"mark {next(self.writers.marks)}") for _ in range(40)]
        await asyncio.gather(*leaving)

    async def _last(self, longest_s: float) -> None:
        await asyncio.sleep(self.rng.uniform(0.5, longest_s))

    async def _cut(self, database: str) -> None:
        table = self.rng.choice(await tables(self.process, database))
        if self.rng.random() < 0.5:
            await self.process.kill()
        else:
            assert await self.process.stop() == 0
        self.damage.append(cut(table, self.rng))

    async def _changes_refused(self, ahead: timedelta) -> None:
        await set_clock(self.process, ahead)
        async with self.process.portal() as portal:
            answer = await portal.http.post("/admin/api-keys", json={"tags": {}})
            assert answer.status_code == 503, answer.text
            assert "clock is" in answer.json()["detail"], answer.text
            stopped = self.rng.choice(list(self.writers.created))
            assert (await portal.revoke(stopped, reason="the clock is wrong"))["status"] == "revoked"
        await set_clock(self.process, timedelta(0))
