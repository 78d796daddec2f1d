"""Whoever is cancelled in the middle of a statement leaves no session in a transaction, whose locks would stay."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from gateways.tensorzero.key_table import GatewayTable
from registry.db.connection import DriverConnection, fetch, make_engine
from tests.support.gateway.key_table import make_table
from tests.support.servers.databases import Database

TABLE = "tensorzero_auth_api_key"
STATEMENT = f"SELECT public_id FROM {TABLE} WHERE public_id = ANY($1)"
NOT_IDLE = """
SELECT
    state,
    query,
    ARRAY(SELECT mode FROM pg_locks WHERE pg_locks.pid = pg_stat_activity.pid) AS locks
FROM pg_stat_activity
WHERE application_name = 'keyledger' AND datname = current_database() AND state != 'idle'
"""

Call = Callable[[AsyncEngine], Awaitable[Any]]


async def read_in_a_snapshot(engine: AsyncEngine) -> None:
    await fetch(engine, STATEMENT, ["x"])


async def read_by_a_reserved_connection(engine: AsyncEngine) -> None:
    connection = DriverConnection(engine)
    try:
        await connection.fetch(STATEMENT, ["x"])
    except asyncio.CancelledError:
        return  # its user lives on, and keeps it
    await connection.close()


async def check_the_gateways_table(engine: AsyncEngine) -> None:
    await GatewayTable(engine).check()


async def read_the_gateways_table(engine: AsyncEngine) -> None:
    await GatewayTable(engine).read(["x"])


async def write_the_gateways_table(engine: AsyncEngine) -> None:
    async with GatewayTable(engine).writing() as write:
        await write([])


@pytest.mark.parametrize(
    "call",
    [
        read_in_a_snapshot,
        read_by_a_reserved_connection,
        check_the_gateways_table,
        read_the_gateways_table,
        write_the_gateways_table,
    ],
)
async def test_no_session_stays_in_a_transaction(database: Database, call: Call) -> None:
    await make_table(database)
    async with database.connect() as owner:
        for answers in itertools.count(1):
            engine = make_engine(database.app_url)
            try:
                was_cancelled = await cancel_after(answers, call(engine))
                left = await owner.fetch(NOT_IDLE)
                assert not left, f"cancelled at answer {answers}: {[dict(one) for one in left]}"
                await call(engine)  # the pool has no connection that can't be used
            finally:
                await engine.dispose()
            if not was_cancelled:
                break
    assert answers > 3


async def cancel_after(answers: int, work: Awaitable[Any]) -> bool:
    """Cancel work in the very turn of the loop in which the last of so many awaited answers is there; whether it came.

    Then the answer counts for the driver, and its user never hears of it. A cancellation at any other moment finds the
    driver waiting, which it handles.
    """
    task: Any = asyncio.ensure_future(work)
    seen: set[int] = set()
    kept = []  # so that no id comes twice
    while not task.done():
        waited_for = task._fut_waiter
        if waited_for is not None and waited_for.done() and id(waited_for) not in seen:
            seen.add(id(waited_for))
            kept.append(waited_for)
            if len(seen) == answers:
                task.cancel()
        await asyncio.sleep(0)
    await asyncio.gather(task, return_exceptions=True)
    return len(seen) >= answers
