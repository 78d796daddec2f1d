"""A caller that leaves takes its bill along, wherever it is; and no token takes every turn."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import httpx
import pytest

from keyledger.runtime.serving.server import bind_tcp, serving
from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from tests.support.api.service import Api, assert_problem, open_api
from tests.support.bill_world import World, key_facts
from tests.support.servers.databases import Database
from tests.support.waiting import eventually

QUESTION = {"since": "2026-01-01T00:00:00Z", "until": "2027-01-01T00:00:00Z", "group_by": "customer_id"}
# Half a million inferences: a bill takes a second or more, so that some are under way when their callers leave.
ROWS = """
INSERT INTO {}.ChatInference (id, function_name, episode_id, tags)
SELECT
    dateTimeToUUIDv7(toDateTime('2026-03-01 00:00:00') + number % 1000000), 'f', generateUUIDv4(), map('a', 'b')
FROM numbers(500000)
"""
BILLS = "SELECT count() FROM system.processes WHERE query LIKE '%distinct_inferences%' AND query NOT LIKE '%LIKE%'"


@pytest.fixture
async def busy(database: Database, clickhouse: ClickHouse, names: Names) -> AsyncIterator[tuple[Api, str]]:
    """An API over many rows, and where it is."""
    await World(clickhouse, names).write(key_facts("keyAAAAAAAA1", 1, 0, customer_id="acme"))
    await clickhouse.command(ROWS.format(names.gateway))
    await World(clickhouse, names).collect()
    bound = bind_tcp("127.0.0.1", 0)
    async with open_api(database, clickhouse, names) as api, serving([(api.app, bound)]):
        yield api, f"http://127.0.0.1:{bound.getsockname()[1]}"


async def leave_soon(url: str, headers: dict[str, str]) -> int:
    """Ask for a bill and leave after a moment; the status, if there was an answer."""
    async with httpx.AsyncClient(base_url=url, headers=headers) as client:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                return (await client.get("/billing/usage", params=QUESTION)).status_code
    return 0


async def test_bills_whose_callers_left_are_stopped_whether_they_run_or_wait(busy: tuple[Api, str]) -> None:
    api, url = busy
    leaving = [leave_soon(url, api.bearer(("billing", "admin")[number % 2])) for number in range(30)]
    assert set(await asyncio.gather(*leaving)) <= {0, 200}

    async def under_way() -> tuple[int, int]:
        ((running,),) = await api.services.clickhouse.query(BILLS)
        return running, api.reading.bills.inside

    assert await eventually(under_way, lambda found: found == (0, 0), timeout_s=10) == (0, 0)
    answer = await api.call("GET", "/billing/usage", by="billing", params=QUESTION)
    assert answer.status_code == 200
    assert sum(bucket["inferences"] for bucket in answer.json()["coverage"]) == 500_000


async def test_a_token_with_too_many_bills_is_told_so_and_others_are_served(busy: tuple[Api, str]) -> None:
    api, url = busy
    async with httpx.AsyncClient(base_url=url, headers=api.bearer("billing"), timeout=60) as greedy:
        asking = [asyncio.create_task(greedy.get("/billing/usage", params=QUESTION)) for _ in range(40)]
        other = await api.call("GET", "/billing/usage", by="admin", params=QUESTION)
        answers = await asyncio.gather(*asking)
    assert other.status_code == 200
    refused = [one for one in answers if one.status_code != 200]
    assert refused, "not all of them had a turn"
    for one in refused:
        assert_problem(one, 429)
        assert one.headers["retry-after"] == "1"
