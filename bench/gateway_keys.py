"""The gateway's table of keys: its look-up with and without the index, appends next to it, and the sync's lag.

    python -m bench.gateway_keys [--keys 100000] [--creates 2000] [--rounds 3] [--json]

Ratios are to the look-up as the gateway's migrations leave it, and to creations without a gateway, in the same round;
figures and ratios are medians of the rounds. Creations are those of 32 clients in one process. The lag is from the
answer to a creation until the sync says that the gateway's table, in another database, has it.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import asyncpg
from sqlalchemy.engine import make_url

from bench.common import CALLER, Server, fresh_registry, median, options, progress, report, server, timed
from bench.importing.made_keys import fill
from bench.replaying.made_log import plain
from gateways.tensorzero.append_hook import KeyTableHook
from gateways.tensorzero.checkpoint import SyncCheckpoint
from gateways.tensorzero.key_states import KeyStateReader
from gateways.tensorzero.key_table import GatewayTable
from gateways.tensorzero.setup import create_index, create_table
from gateways.tensorzero.sync import GatewaySync
from keyledger.runtime.gateway_wait import SyncWait
from registry.db.connection import make_engine
from registry.log.append.append_hook import AppendHook
from registry.log.postgres import open_log
from registry.queries import Queries
from registry.service import KeyService, NewKey

CLIENTS = 32
LOOK_UPS = 200
LAGS = 200
# The gateway's own: text against CHAR(12).
LOOK_UP = "SELECT public_id FROM tensorzero_auth_api_key WHERE public_id = $1::text AND hash = $2"


async def look_ups(url: str, keys: int) -> float:
    """The gateway's look-ups a second, one after the other on one connection."""
    connection = await asyncpg.connect(plain(url))

    async def ask() -> None:
        for number in range(LOOK_UPS):
            await connection.fetchrow(LOOK_UP, f"k{number * (keys // LOOK_UPS):011}", "0" * 64)

    seconds = await timed(ask)
    await connection.close()
    return LOOK_UPS / seconds


async def creations(where: Server, count: int, *, shared: bool) -> float:
    """Creations a second, with the gateway's rows in the same transactions or without."""
    owner, app = await fresh_registry(where)
    append_hook: AppendHook | None = None
    if shared:
        owner_engine = make_engine(owner)
        await create_table(owner_engine, "public", reader=make_url(app).username)
        await owner_engine.dispose()
        append_hook = KeyTableHook("public")
    engine = make_engine(app)
    log = await open_log(engine, append_hook=append_hook)
    keys = KeyService(log, Queries(engine).public_id)

    async def client() -> None:
        for _ in range(count // CLIENTS):
            await keys.create(NewKey({"customer_id": "acme"}), CALLER)

    async def together() -> None:
        await asyncio.gather(*(client() for _ in range(CLIENTS)))

    await together()
    seconds = await timed(together)
    await log.close()
    await engine.dispose()
    return count // CLIENTS * CLIENTS / seconds


async def lags(where: Server) -> list[float]:
    """How many milliseconds the sync is behind each of some creations, one after the other."""
    _, app = await fresh_registry(where)
    engine, gateway = make_engine(app), make_engine(where.owner_url)
    log, queries = await open_log(engine), Queries(engine)
    keys, wait = KeyService(log, queries.public_id), SyncWait(queries, poll_s=0.001)
    sync = GatewaySync(log, KeyStateReader(engine), GatewayTable(gateway), SyncCheckpoint(engine))
    task = asyncio.create_task(sync.run())
    found = []
    for _ in range(LAGS + 1):
        made = await keys.create(NewKey({"customer_id": "acme"}), CALLER)
        began = time.perf_counter()
        await wait.until(made.position)
        found.append((time.perf_counter() - began) * 1000)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await log.close()
    await engine.dispose()
    await gateway.dispose()
    return sorted(found[1:])  # the first waited for the sync to start


async def one_round(where: Server, keys: int, creates: int) -> dict[str, float]:
    """Every figure once."""
    progress("look-ups")
    await fill(where.owner_url, keys)
    told = {"scan": await look_ups(where.owner_url, keys)}
    engine = make_engine(where.owner_url)
    await create_index(engine, "public")
    await engine.dispose()
    told["index"] = await look_ups(where.owner_url, keys)
    progress("creations")
    told["alone"] = await creations(where, creates, shared=False)
    told["shared"] = await creations(where, creates, shared=True)
    progress("lag")
    found = await lags(where)
    return told | {"lag": median(found), "lag p99": found[int(len(found) * 0.99)]}


def rows(rounds: list[dict[str, float]], keys: int) -> list[dict[str, object]]:
    """What is printed."""

    def rate(name: str, what: str, to: str) -> dict[str, object]:
        ratio = median([one[name] / one[to] for one in rounds])
        return {"what": what, "per second": median([one[name] for one in rounds]), "ratio": ratio}

    lag: list[dict[str, object]] = [
        {"what": what, "milliseconds": median([one[name] for one in rounds])}
        for name, what in (("lag", "lag of the sync, median"), ("lag p99", "lag of the sync, p99"))
    ]
    return [
        rate("scan", f"the gateway's look-up among {keys} keys, as its migrations leave it", "scan"),
        rate("index", "the same with --create-index", "scan"),
        rate("alone", "creations without a gateway", "alone"),
        rate("shared", "creations with the gateway's table in the log's database", "alone"),
        *lag,
    ]


def main() -> None:
    """Run and print."""
    chosen: Any = options(__doc__ or "", keys=100_000, creates=2000, rounds=3)
    with server() as where:
        rounds = []
        for number in range(chosen.rounds):
            progress(f"round {number + 1} of {chosen.rounds}")
            rounds.append(asyncio.run(one_round(where, chosen.keys, chosen.creates)))
    report(rows(rounds, chosen.keys), as_json=chosen.json)


if __name__ == "__main__":
    main()
