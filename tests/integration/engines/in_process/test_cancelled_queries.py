"""Nobody waits for a statement whose caller has left: it is stopped in the engine, also if it has not begun."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from projections.billing.bill import compute_bill
from projections.billing.limits import BillLimits
from projections.billing.query import BillQuery
from projections.engine.client import ClickHouse, RowsRead, for_request
from projections.errors import BillLimitReached
from registry.instant import from_ms
from tests.support.bill_world import World
from tests.support.waiting import eventually

SLOW = "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1"
RUNNING = "SELECT count() FROM system.processes WHERE query LIKE '%numbers(1000000000000)%' AND query NOT LIKE '%LIKE%'"


@pytest.fixture
async def narrow(clickhouse_url: str) -> AsyncIterator[ClickHouse]:
    """A client that runs two statements at once."""
    made = ClickHouse(clickhouse_url, threads=2)
    yield made
    await made.close()


async def running(clickhouse: ClickHouse) -> int:
    """How many of the slow statements run."""
    return int((await clickhouse.query(RUNNING))[0][0])


async def test_cancelled_statements_end_whether_they_run_or_wait(narrow: ClickHouse, clickhouse: ClickHouse) -> None:
    queries = [asyncio.create_task(narrow.query(SLOW, stoppable=True)) for _ in range(10)]
    assert await eventually(lambda: running(clickhouse), lambda count: count == 2, timeout_s=20) == 2
    for query in queries:
        query.cancel()
    await asyncio.gather(*queries, return_exceptions=True)
    assert all(query.cancelled() for query in queries)
    assert await eventually(lambda: running(clickhouse), lambda count: count == 0, timeout_s=20) == 0
    assert await asyncio.wait_for(narrow.query("SELECT 1"), 20) == [(1,)]


async def test_it_is_known_how_many_rows_a_request_has_read(narrow: ClickHouse, clickhouse: ClickHouse) -> None:
    with for_request("one"):
        query = asyncio.create_task(narrow.query(SLOW, stoppable=True))

    async def read() -> RowsRead:
        return await clickhouse.rows_read("one") or RowsRead(0, 0)

    first = await eventually(read, lambda found: found.rows > 0, timeout_s=20)
    assert 0 < first.rows < first.of == 1_000_000_000_000
    later = await eventually(read, lambda found: found.rows > first.rows, timeout_s=20)
    assert later.rows > first.rows
    assert await clickhouse.rows_read("on") is None, "another request, whose id this one begins with"
    query.cancel()
    await asyncio.gather(query, return_exceptions=True)
    assert await eventually(lambda: running(clickhouse), lambda count: count == 0, timeout_s=20) == 0
    assert await clickhouse.rows_read("one") is None


async def test_closing_stops_what_runs(clickhouse: ClickHouse, clickhouse_url: str) -> None:
    client = ClickHouse(clickhouse_url, threads=2)
    queries = [asyncio.create_task(client.query(SLOW, stoppable=True)) for _ in range(4)]
    await eventually(lambda: running(clickhouse), lambda count: count == 2, timeout_s=20)
    began = time.monotonic()
    await client.close()
    assert time.monotonic() - began < 10
    for query in queries:
        query.cancel()
    await asyncio.gather(*queries, return_exceptions=True)
    assert await running(clickhouse) == 0


@pytest.mark.parametrize(
    ("limits", "variable"),
    [
        (BillLimits(memory_bytes=1 << 20), "KEYLEDGER_BILL_MEMORY_MIB"),
    ],
)
async def test_a_bill_that_takes_too_much_names_the_setting(world: World, limits: BillLimits, variable: str) -> None:
    query = BillQuery(("customer_id",), from_ms(0), from_ms(2_000_000_000_000), None, (), "UTC")
    with pytest.raises(BillLimitReached, match=variable):
        await compute_bill(world.clickhouse, world.names, query, 0, limits)
