"""A tenant's story over real HTTP and real commands: issued, used, moved, corrected, revoked, billed."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from keyledger.demo.gateway_rows import SMALL, KeyUse, generate
from registry.instant import format_ms, parse_instant, to_ms
from tests.support.oracle.truth import assert_bill_is_right, facts_of, rows_of
from tests.support.processes.registry_process import RegistryProcess


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncIterator[RegistryProcess]:
    """A running registry on a new folder."""
    process = RegistryProcess(tmp_path / "data")
    await process.start()
    yield process
    if process.postmasters():
        await process.stop()


async def test_every_inference_is_billed_by_the_tags_at_its_own_millisecond(
    registry: RegistryProcess, tmp_path: Path
) -> None:
    async with registry.portal() as portal:
        moving = await portal.create({"customer_id": "acme", "project_id": "chat"})
        wrong = await portal.create({"customer_id": "globex", "crème": "brûlée"})
        ending = await portal.create({"customer_id": "initech"}, expiration="2099-12-31T23:59:59Z")
        keys = [key["public_id"] for key in (moving, wrong, ending)]
        before_edits = ending["position"]
        await portal.edit(keys[0], {"tags": {"customer_id": "globex", "project_id": None}}, reason="sold")
        moved_ms = to_ms(parse_instant((await portal.history(keys[0]))[-1]["effective_at"]))
        await portal.edit(
            keys[1], {"tags": {"customer_id": "umbrella"}}, reason="wrong", effective_at=wrong["created_at"]
        )
        ended = await portal.revoke(keys[2], reason="contract ended")
        ended_ms = to_ms(parse_instant(ended["revoked_at"]))
        began_ms = to_ms(parse_instant(moving["created_at"]))
        uses = [KeyUse(keys[0], began_ms), KeyUse(keys[1], began_ms), KeyUse(keys[2], began_ms, ended_ms)]
        rows = generate(1, uses, began_ms - 100, ended_ms + 100, 600)
        for at_ms in (moved_ms - 1, moved_ms, ended_ms - 1, ended_ms):
            for key in keys:
                rows.model(rows.chat(at_ms, key), at_ms, SMALL, 100, 10)
        await registry.load(rows, tmp_path / "rows")

        facts = await facts_of(portal, keys)
        for group_by in (["customer_id"], ["project_id", "model"], ["crème", "provider", "hour"], ["function"], []):
            bill = await assert_bill_is_right(portal, facts, rows_of([rows]), group_by)
            assert bill["position"] == ended["position"]
        for known_at in (0, before_edits - 1, before_edits, before_edits + 1, before_edits + 2):
            await assert_bill_is_right(portal, facts, rows_of([rows]), ["crème", "project_id"], known_at)


async def test_a_move_that_was_scheduled_is_billed_to_its_millisecond_and_a_cancelled_one_never(
    registry: RegistryProcess, tmp_path: Path
) -> None:
    """As a portal in Berlin asks for it: with its own offset, and bills by its own hours."""
    async with registry.portal() as portal:
        moved, stays = [await portal.create({"customer_id": "acme"}) for _ in range(2)]
        keys = [moved["public_id"], stays["public_id"]]
        at = (datetime.now(UTC) + timedelta(seconds=2)).replace(microsecond=0)
        at_berlin = at.astimezone(ZoneInfo("Europe/Berlin")).isoformat()
        for key in keys:
            edit = {"tags": {"customer_id": "globex"}}
            answer = await portal.http.patch(f"/admin/api-keys/{key}", json=edit, params={"effective_at": at_berlin})
            assert answer.status_code == 200, answer.text
            (scheduled,) = answer.json()["scheduled"]
            assert parse_instant(scheduled["effective_at"]) == at
        before_cancel = answer.json()["position"]
        cancelled = await portal.http.delete(f"/admin/api-keys/{keys[1]}/scheduled/{scheduled['position']}")
        assert (cancelled.status_code, cancelled.json()["scheduled"]) == (200, [])
        at_ms = to_ms(at)
        rows = generate(
            2, [KeyUse(key, to_ms(parse_instant(moved["created_at"]))) for key in keys], at_ms - 500, at_ms, 100
        )
        for ms in (at_ms - 1, at_ms, at_ms + 1):
            for key in keys:
                rows.model(rows.chat(ms, key), ms, SMALL, 100, 10)
        await asyncio.sleep(max(0.0, (at - datetime.now(UTC)).total_seconds()) + 0.5)
        assert (await portal.show(keys[0]))["tags"] == {"customer_id": "globex"}
        assert (await portal.show(keys[1]))["tags"] == {"customer_id": "acme"}
        await registry.load(rows, tmp_path / "rows")
        facts = await facts_of(portal, keys)
        for known_at in (None, before_cancel, before_cancel - 1):
            for group_by in (["customer_id"], ["customer_id", "hour"]):
                await assert_bill_is_right(portal, facts, rows_of([rows]), group_by, known_at)
        asked = {
            "group_by": ["customer_id"],
            "since": format_ms(at),
            "until": format_ms(at + timedelta(milliseconds=2)),
        }
        lines = (await portal.bill(**asked, time_zone="Europe/Berlin"))["lines"]
        assert [(line["by"]["customer_id"], line["inferences"]) for line in lines] == [("acme", 2), ("globex", 2)]
        lines = (await portal.bill(**asked, known_at=before_cancel))["lines"]
        assert [(line["by"]["customer_id"], line["inferences"]) for line in lines] == [("globex", 4)]


async def test_a_signal_stops_all_of_it_and_a_restart_goes_on(registry: RegistryProcess) -> None:
    async with registry.portal() as portal:
        key = await portal.create({"customer_id": "acme"})
    assert len(registry.postmasters()) == 1
    assert await registry.stop(signal.SIGINT) == 0
    assert registry.postmasters() == []
    assert not (registry.folder / "operator.sock").exists()
    # Where none runs, commands open the folder themselves, and leave nothing running.
    (listed,) = await registry.json("keys", "list")
    assert listed["public_id"] == key["public_id"]
    assert registry.postmasters() == []
    await registry.start()
    async with registry.portal() as portal:
        again = await portal.show(key["public_id"])
        assert again == {name: value for name, value in key.items() if name != "api_key"}
        assert (await portal.create({}))["position"] == key["position"] + 1
    assert await registry.stop(signal.SIGTERM) == 0
