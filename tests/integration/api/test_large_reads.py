"""What is large, or takes long to compute, hurts nobody else: pages end by bytes, and reads have their own loop."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from keyledger.runtime.services import Services
from registry.queries import PAGE_BYTES
from tests.support.api.service import Api, assert_problem

BULKY = {f"tag_{number:02}": "v" * 256 for number in range(63)}
# What an answer adds to stored text: field names, and in a history what was there before.
SLACK = 2.4


async def pages(api: Api, path: str) -> list[list[Any]]:
    """All pages of a list, each asked for with the greatest limit; none is larger than a page may be."""
    found, cursor = list[list[Any]](), None
    while True:
        query = {"limit": "1000", **({} if cursor is None else {"cursor": cursor})}
        answer = await api.call("GET", path, params=query)
        assert answer.status_code == 200, answer.text
        assert len(answer.content) < PAGE_BYTES * SLACK
        found.append(answer.json()["items"])
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            return found


async def test_a_page_of_large_keys_ends_early_and_none_is_lost(api: Api) -> None:
    made = await asyncio.gather(*(api.make_key(tags={**BULKY, "n": str(number)}) for number in range(150)))
    ids = [key["public_id"] for key in sorted(made, key=lambda key: -int(key["position"]))]
    for path, expected in (("/admin/api-keys", ids), ("/audit/state", sorted(ids))):
        found = await pages(api, path)
        assert [key["public_id"] for page in found for key in page] == expected
        assert len(found) > 1
        assert all(len(page) > 1 for page in found)


async def test_a_page_of_large_events_ends_early_and_none_is_lost(api: Api) -> None:
    key = (await api.make_key())["public_id"]
    for number in range(150):
        await api.patch(key, {"tags": {name: f"{value[:-4]}{number:04}" for name, value in BULKY.items()}})
    for path in (f"/admin/api-keys/{key}/history", f"/audit/history/{key}"):
        found = await pages(api, path)
        assert [event["version"] for page in found for event in page] == list(range(1, 152))
        assert len(found) > 1


async def test_writes_and_health_go_on_while_reads_compute(api: Api) -> None:
    key = (await api.make_key())["public_id"]
    busy, go_on = threading.Event(), threading.Event()

    async def compute(_services: Services) -> None:
        busy.set()
        assert go_on.wait(60)

    computing = asyncio.create_task(api.reading.run(compute))
    assert await asyncio.to_thread(busy.wait, 60)
    asked = [
        asyncio.create_task(api.call("GET", path))
        for path in (
            "/admin/api-keys?limit=1000", f"/admin/api-keys/{key}?at=2100-01-01T00:00:00Z", "/audit/verify?wait_s=0",
            f"/audit/history/{key}", "/audit/state", f"/audit/state/{key}", "/audit/diff?known_at=0&known_at=1",
            "/audit/export", f"/admin/api-keys/{key}/history",
        )
    ]  # fmt: skip
    try:
        for _ in range(3):
            await api.make_key()
            assert (await api.call("GET", f"/admin/api-keys/{key}")).status_code == 200
            assert (await api.client.get("/healthz")).status_code == 200
        assert not any(task.done() for task in asked)
    finally:
        go_on.set()
    await computing
    assert {answer.status_code for answer in await asyncio.gather(*asked)} == {200}


async def test_one_token_has_its_share_of_audits_and_of_pages(api: Api) -> None:
    go_on = threading.Event()

    async def compute(_services: Services) -> None:
        assert go_on.wait(60)

    computing = asyncio.create_task(api.reading.run(compute))
    try:
        waiting = [asyncio.create_task(api.call("GET", "/audit/verify?wait_s=0", by="auditor")) for _ in range(2)]
        gate = api.reading.audits
        while gate.inside < 2:  # noqa: ASYNC110 - a gate has no event
            await asyncio.sleep(0)
        refused = await api.call("GET", "/audit/diff?known_at=0&known_at=1", by="auditor")
        assert_problem(refused, 429)
        assert refused.json()["detail"] == "this token has 2 audits under way: wait until one is made"
        other = asyncio.create_task(api.call("GET", "/audit/verify?wait_s=0", by="admin"))
    finally:
        go_on.set()
    await computing
    assert {answer.status_code for answer in await asyncio.gather(*waiting, other)} == {200}
    assert gate.inside == 0
