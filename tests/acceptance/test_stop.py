"""A signal ends the registry in time, whatever runs."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import httpx
import pytest

from tests.support.oracle.truth import SINCE, UNTIL
from tests.support.processes.initialised import InitialisedFolder

# Bills over two million inferences take many seconds each.
ROWS = """
INSERT INTO tensorzero.ChatInference (id, function_name, episode_id, tags)
SELECT dateTimeToUUIDv7(toDateTime('2026-03-01 00:00:00') + number), 'f', generateUUIDv4(), map('a', 'b')
FROM numbers(2000000)
"""


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_sigterm_ends_it_within_ten_seconds_while_bills_are_made(
    tmp_path: Path, initialised: InitialisedFolder
) -> None:
    registry = await initialised.registry(tmp_path / "data")
    await registry.start()
    assert (await registry.ask("sql", ROWS))[0] == 0
    headers = {"Authorization": f"Bearer {(registry.folder / 'admin-token').read_text().strip()}"}
    question = {"since": SINCE, "until": UNTIL, "group_by": "customer_id"}
    async with httpx.AsyncClient(base_url=registry.url, headers=headers, timeout=60) as client:
        bills = [asyncio.create_task(client.get("/billing/usage", params=question)) for _ in range(10)]
        await asyncio.sleep(0.3)  # a quick machine makes a bill in less than a second
        assert not any(bill.done() for bill in bills)
        began = time.monotonic()
        assert await registry.stop() == 0
        assert time.monotonic() - began < 10
        await asyncio.gather(*bills, return_exceptions=True)
