"""What must hold of a gateway's table of keys, whoever was killed: it is what the log gives, no other row changed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from random import Random

from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.report import Finding
from audit.sources import AuditedGateway
from audit.verify.gateway import GatewayCheck
from audit.verify.state import check_page
from gateways.tensorzero.key_table import GatewayTable
from gateways.tensorzero.setup import create_table
from registry.db.connection import make_engine
from registry.log.postgres import PostgresEventLog
from registry.queries import Queries
from registry.tokens.service import NewToken, TokenService
from tests.support.gateway.rules import DECODABLE, check
from tests.support.gateway.syncing import OPERATOR
from tests.support.processes.gateway_chaos import Load, Sampler, free_port, kill_again_and_again, under_load
from tests.support.processes.parts import PATIENCE_S, Part
from tests.support.servers.databases import Database, plain

FOREIGN = """
INSERT INTO tensorzero_auth_api_key (organization, workspace, description, public_id, hash, disabled_at, expires_at)
SELECT 'default', 'default', 'made by the gateway', 'Foreign' || lpad(n::text, 5, '0'), md5(n::text),
    CASE WHEN n % 3 = 0 THEN now() END, CASE WHEN n % 2 = 0 THEN now() + interval '1 day' END
FROM generate_series(1, 50) AS n
"""
_FOREIGN_ROWS = """
SELECT xmin::text, xmax::text, ctid::text, *
FROM tensorzero_auth_api_key
WHERE description = 'made by the gateway'
ORDER BY public_id
"""


async def survive(
    folder: Path, database: Database, gateway: Database, log: PostgresEventLog, *, seed: int, syncs: int, rounds: int,
    writes: int,
) -> Sampler:  # fmt: skip
    """Kill under load, then check; with no sync the two databases are one, and each answer holds at once."""
    await _make_table(gateway)
    foreign = await _foreign(gateway)
    token = (await TokenService(log).create(NewToken("portal", ("keys:read", "keys:write")), OPERATOR)).text
    port, environ = free_port(), _environ(folder, database, gateway)
    registry = Part(folder / "serve.log", environ, "serve", "--port", str(port))
    followers = [Part(folder / f"sync-{number}.log", environ, "project", "gateway") for number in range(syncs)]
    load = Load(f"http://127.0.0.1:{port}", token, gateway, Random(seed), at_once=not syncs)
    try:
        await asyncio.gather(*(part.start() for part in (registry, *followers)))
        load.up.set()
        async with under_load(load) as sampler:
            await kill_again_and_again(load, registry, followers, rounds, writes)
            await load.acknowledge(writes)
        assert sampler.came_back == []
        await _assert_all_is_there(database, gateway, log, load)
    finally:
        for part in (registry, *followers):
            await part.stop()
    assert await _foreign(gateway) == foreign, "down to the transaction that wrote it"
    _assert_no_secret_is_told(load, [registry, *followers])
    return sampler


async def _assert_all_is_there(database: Database, gateway: Database, log: PostgresEventLog, load: Load) -> None:
    async with database.engine() as engine:
        if not load.at_once:
            await _synced(engine, (await log.head()).position)
        assert await _findings(engine, gateway, log, is_shared=load.at_once) == []
    ended = set(load.ended)
    async with gateway.connect() as driver:
        assert {await check(driver, text) for text in load.made if text in ended} <= {"disabled", "expired"}
        assert "missing" not in {await check(driver, text) for text in load.made}
        assert await driver.fetchval(DECODABLE) == 0


async def _findings(engine: AsyncEngine, gateway: Database, log: PostgresEventLog, *, is_shared: bool) -> list[Finding]:
    """What an audit finds in the gateway's table and in the current state."""
    pool = make_engine(gateway.app_url)
    check_gateway = GatewayCheck(AuditedGateway(GatewayTable(pool), is_shared=is_shared), engine, log, wait_s=0)
    found = await check_gateway.begin()
    after = ""
    while (page := await check_page(engine, after)).last is not None:
        found += [*page.findings, *await check_gateway.check(page.keys)]
        after = page.last
    await pool.dispose()
    assert check_gateway.rows > 0
    return found


async def _synced(engine: AsyncEngine, position: int) -> None:
    """Return when the sync says that it has a position; all that it did not write itself would have been drift."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            (sync,) = await Queries(engine).gateways_synced()
            if sync.synced.position >= position:
                break
            await asyncio.sleep(0.05)
    assert (sync.drift_repaired, sync.failure) == (0, None)


async def _make_table(gateway: Database) -> None:
    engine = make_engine(gateway.owner_url)
    await create_table(engine, "public", reader=make_url(gateway.app_url).username)
    await engine.dispose()
    async with gateway.connect() as owner:
        await owner.execute(FOREIGN)


async def _foreign(gateway: Database) -> list[tuple[object, ...]]:
    async with gateway.connect() as owner:
        rows = await owner.fetch(_FOREIGN_ROWS)
    assert len(rows) == 50
    return [tuple(row) for row in rows]


def _environ(folder: Path, database: Database, gateway: Database) -> dict[str, str]:
    return {
        "KEYLEDGER_DATABASE_URL": plain(database.app_url),
        "KEYLEDGER_CLICKHOUSE_URL": f"chdb://{folder / 'clickhouse'}",
        "KEYLEDGER_GATEWAY_DATABASE_URL": plain(gateway.app_url),
        "KEYLEDGER_GATEWAY_RECONCILE_KEYS_PER_S": "5000",  # all the time beside the sync
    }


def _assert_no_secret_is_told(load: Load, parts: Sequence[Part]) -> None:
    logs = "".join(part.log for part in parts)
    assert not [text for text in load.made if text.rpartition("-")[2] in logs]
