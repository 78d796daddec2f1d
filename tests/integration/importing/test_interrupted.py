"""Imports that are killed, that meet each other, or a log that is busy: each key is there once, and nothing else."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from registry.log.append.writer import APPEND_LOCK
from tests.support.gateway.gateway_keys import GatewayKeys, hash_of, many_keys
from tests.support.gateway.importer import Importer
from tests.support.servers.databases import Database

ROOT = Path(__file__).parents[3]


def environment(database: Database, gateway: GatewayKeys, engine: Path) -> dict[str, str]:
    """The settings of a command that speaks to the databases itself, as talkative as it can be."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("KEYLEDGER_")},
        "KEYLEDGER_DATABASE_URL": database.app_url,
        "KEYLEDGER_CLICKHOUSE_URL": f"chdb://{engine}",
        "KEYLEDGER_GATEWAY_DATABASE_URL": gateway.url,
        "KEYLEDGER_LOG_LEVEL": "DEBUG",
    }


async def start(environ: dict[str, str], *options: str) -> asyncio.subprocess.Process:
    """`keyledger import tensorzero` as a process of its own."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "keyledger.cli", "import", "tensorzero", *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environ,
        cwd=ROOT,
    )


async def finish(process: asyncio.subprocess.Process) -> tuple[int, str, str]:
    """Its exit code and what it printed."""
    out, err = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_after_a_kill_in_the_middle_the_next_run_goes_on_where_it_stopped(
    importer: Importer, tmp_path: Path
) -> None:
    count, log = 4_000, importer.ledger.api.services.registry.log
    await importer.gateway.copy(key.row() for key in many_keys(count))
    environ = environment(importer.database, importer.gateway, tmp_path / "clickhouse")
    began = await importer.ledger.api.head()
    process = await start(environ, "--apply")
    await log.wait_beyond(began, 60)
    process.send_signal(signal.SIGKILL)
    assert (await finish(process))[0] == -signal.SIGKILL
    done = (await log.head()).position - began
    assert 0 < done < count
    code, out, err = await finish(await start(environ, "--apply", "--json"))
    assert code == 0, err
    told: dict[str, Any] = json.loads(out)
    assert (told["keys"], told["known"], told["imported"]) == (count, done, count - done)
    assert (await log.head()).position == began + count
    code, out, err = await finish(await start(environ, "--apply"))
    assert (code, f"imported 0 keys, up to position {began + count}\n" in out) == (0, True), err
    async with importer.database.connect() as owner:
        right = await owner.fetchval(
            "SELECT count(*) FROM keyledger.event JOIN keyledger.credential ON stream = 'key-' || credential_id"
            " JOIN keyledger.key_state USING (public_id) WHERE version = 1 AND key_state.stream = event.stream"
        )
    assert right == count
    assert not any(hash_of(f"many{number:08}") in out + err for number in range(count))


async def test_two_imports_at_once_add_each_key_once(importer: Importer) -> None:
    await importer.gateway.add(*many_keys(3000))
    told = await asyncio.gather(importer.apply(), importer.apply(), importer.apply())
    assert sum(one.result["imported"] for one in told) == 3000
    assert [one.items for one in told] == [[], [], []]
    assert sorted(event.stream for event in await importer.events()) == [f"key-many{n:08}" for n in range(3000)]


async def test_a_busy_log_is_waited_for(importer: Importer) -> None:
    await importer.gateway.add(*many_keys(600))
    async with importer.database.connect() as holder:
        await holder.execute("SELECT pg_advisory_lock($1)", APPEND_LOCK)
        running = asyncio.create_task(importer.apply())
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        for wanted in (1, 0, 1):  # it gave up once, and tries again
            async with asyncio.timeout(30):
                while await holder.fetchval(waiting) != wanted:
                    await asyncio.wait({running}, timeout=0.01)
    assert (await running).result["imported"] == 600
    assert len(await importer.events()) == 600
