"""Whatever happens to a registry under load: no acknowledged change is lost, and a bill is right or refused."""

from __future__ import annotations

import asyncio
import inspect
import os
import secrets
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest

from tests.support.chaos.clock import make_settable
from tests.support.chaos.faults import Faults
from tests.support.chaos.operator import Operator
from tests.support.chaos.recorded import Recorded
from tests.support.chaos.usage import Usage
from tests.support.chaos.writers import WRITERS, Writers
from tests.support.oracle.truth import assert_bill_is_right, rows_of
from tests.support.processes.registry_process import RegistryProcess
from tests.support.small_disk import small_disk

ROUNDS = 30
BILL_EVERY = 3  # the oracle's takes seconds; between two of them the last one is asked for again and again
FAULTS = [name for name, of_faults in vars(Faults).items() if inspect.isfunction(of_faults) and name[0] != "_"]
SEED = "KEYLEDGER_TEST_SEED"


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_thirty_rounds_of_faults_lose_nothing_and_make_no_wrong_bill(tmp_path: Path) -> None:
    seed = int(os.environ.get(SEED) or secrets.randbelow(10**6))
    print(f"{SEED}={seed}")  # noqa: T201 - pytest shows it with the failure
    rng, began = Random(seed), time.monotonic()
    (scratch := tmp_path / "rows").mkdir()
    with small_disk(tmp_path / "disk", mib=512) as disk:
        process = RegistryProcess(disk / "data", environ={"KEYLEDGER_DISK_FREE_MIN_MIB": "16"})
        process.log = tmp_path / "registry.log"
        writers, usage = Writers(process, rng), Usage(process, rng, scratch)
        faults, operator = Faults(process, writers, usage, disk, rng), Operator(process, writers, usage)
        async with ended_at_last(process):
            await make_settable(process)
            assert await process.stop() == 0
            for number, fault in enumerate(["nothing", *deck(rng)]):
                await operator.settle()
                async with under_load(writers, usage):
                    await writers.acknowledge(rng.randrange(5, 20))
                    await getattr(faults, fault)()
                    await operator.settle()
                    await writers.acknowledge(5)
                await operator.check(bill=number % BILL_EVERY == 0)
                print(f"{number}, {time.monotonic() - began:.0f} s: {fault} {faults.damage}")  # noqa: T201 - as above
                faults.damage.clear()
            async with process.portal() as portal:
                facts = (await Recorded.read(portal)).facts
                await assert_bill_is_right(portal, facts, rows_of(usage.loaded), ["customer_id", "model", "day"])
            assert await process.stop() == 0
    assert usage.compared > ROUNDS
    assert usage.refused


def deck(rng: Random) -> list[str]:
    """The names of the faults in the order of the rounds: each comes twice at least."""
    names = [name for name in FAULTS if name != "nothing"]
    drawn: list[str] = []
    while len(drawn) < ROUNDS:
        drawn += rng.sample(names, len(names))
    return drawn[:ROUNDS]


@asynccontextmanager
async def ended_at_last(process: RegistryProcess) -> AsyncIterator[None]:
    """Started, and killed at the end of the block if it still runs then, with its PostgreSQL."""
    await process.start()
    try:
        yield
    finally:
        if process.runs:
            await process.kill()
        for server in process.postmasters():
            os.kill(server, signal.SIGKILL)


@asynccontextmanager
async def under_load(writers: Writers, usage: Usage) -> AsyncIterator[None]:
    """Writers, a gateway and somebody who asks for bills, until the block ends; what one of them found is raised."""
    writers.over = usage.over = False

    async def load() -> None:
        await writers.acknowledge(1)
        await usage.load(list(writers.uses.values())[-30:])

    async with asyncio.TaskGroup() as tasks:
        for work in (*[writers.write] * WRITERS, usage.ask, load):
            tasks.create_task(work())
        try:
            yield
        finally:
            writers.over = usage.over = True
