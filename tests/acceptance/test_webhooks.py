"""Webhooks of a real `up`: kill -9 at any moment loses no event and no order, and the commands see and mend it all."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from tests.support.processes.initialised import InitialisedFolder
from tests.support.processes.registry_process import RegistryProcess
from tests.support.waiting import eventually
from tests.support.webhook_receiver import Receiver, receiving

KEYS, HOOKS = "/admin/api-keys", "/admin/webhooks"
ENVIRON = {"KEYLEDGER_WEBHOOK_ALLOW_PRIVATE": "true", "KEYLEDGER_WEBHOOK_FIRST_PAUSE_S": "0.05"}
WRITERS = 4


async def write_and_kill(process: RegistryProcess, receiver: Receiver, rng: Random) -> None:
    """Change keys by several writers, kill -9 when so many deliveries have come, and start again."""
    target = len(receiver.requests) + rng.randrange(5, 60)
    writers = [asyncio.create_task(_write(process)) for _ in range(WRITERS)]
    await receiver.until(lambda one: len(one.requests) >= target, timeout_s=60)
    await process.kill()
    await asyncio.gather(*writers)
    await process.start()


async def _write(process: RegistryProcess) -> None:
    try:
        async with process.portal() as portal:
            while True:
                key = await portal.create({"customer_id": "acme"})
                for number in range(4):
                    await portal.edit(key["public_id"], {"tags": {"n": str(number)}})
    except httpx.TransportError:
        return


async def events_of(portal: httpx.AsyncClient, after: int) -> dict[str, list[int]]:
    """The positions after one, by stream, as the feed has them."""
    found: dict[str, list[int]] = defaultdict(list)
    while True:
        page = (await portal.get("/admin/events", params={"after": after, "limit": 1000})).json()
        for event in page["items"]:
            found[event["data"]["stream"]].append(int(event["id"]))
        if page["next_after"] == after:
            return found
        after = page["next_after"]


async def survive(process: RegistryProcess, *, seed: int, kills: int) -> None:
    """Kill it so often in the middle of deliveries: each event comes, in the order of its stream."""
    rng = Random(seed)
    async with receiving() as receiver:
        receiver.answers = lambda _got: 500 if rng.random() < 0.1 else 200
        await process.start()
        async with process.portal() as portal:
            made = (await portal.http.post(HOOKS, json={"url": receiver.url})).json()
        for _ in range(kills):
            await write_and_kill(process, receiver, rng)
        receiver.answers = lambda _got: 200
        async with process.portal() as portal:
            expected = await events_of(portal.http, made["position"])
            count = sum(map(len, expected.values()))
            taken = await eventually(lambda: _taken(receiver), lambda positions: len(positions) == count, timeout_s=60)
            assert len(taken) == count, "each event has come"
            pending = await eventually(lambda: _pending(portal.http), lambda found: not found, timeout_s=30)
            assert pending == []
        for stream, positions in receiver.by_stream().items():
            assert positions == expected[stream], "in order, and nothing else"
        for got in receiver.requests:
            got.verify(made["secret"])
        for log in (process.log.read_text(), process.folder.joinpath("postgres", "postgres.log").read_text()):
            assert made["secret"] not in log
        assert await process.stop() == 0


async def _taken(receiver: Receiver) -> set[int]:
    return {got.position for got in receiver.taken}


async def _pending(http: httpx.AsyncClient) -> list[dict[str, Any]]:
    (webhook,) = (await http.get(HOOKS)).json()["items"]
    query = {"status": "pending"}
    found: list[dict[str, Any]] = (await http.get(f"{HOOKS}/{webhook['id']}/deliveries", params=query)).json()["items"]
    return found


async def test_two_kills_in_the_middle_of_deliveries_lose_nothing(
    tmp_path: Path, initialised: InitialisedFolder
) -> None:
    await survive(await initialised.registry(tmp_path / "data", environ=ENVIRON), seed=5, kills=2)


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_ten_kills_in_the_middle_of_deliveries_lose_nothing(
    tmp_path: Path, initialised: InitialisedFolder
) -> None:
    await survive(await initialised.registry(tmp_path / "data", environ=ENVIRON), seed=6, kills=10)


async def test_the_commands_make_test_mend_and_end_a_webhook(tmp_path: Path, initialised: InitialisedFolder) -> None:
    environ = {**ENVIRON, "KEYLEDGER_WEBHOOK_GIVE_UP_S": "0.2", "KEYLEDGER_LAG_ALARM_S": "3600"}
    process = await initialised.registry(tmp_path / "data", environ=environ)
    await process.start()
    async with receiving() as receiver:
        made = await process.json("webhooks", "create", receiver.url, "--type", "KeyCreated")
        assert made["types"] == ["KeyCreated"]
        assert (await process.json("webhooks", "test", made["id"]))["delivered"] is True
        receiver.requests[0].verify(made["secret"])
        receiver.answers = lambda _got: 500
        code, out, err = await process.ask("webhooks", "test", made["id"])
        assert (code, out, err) == (1, "", "keyledger: not delivered: it answered 500\n")
        await process.json("keys", "create", "--tag", "customer_id:acme")
        dead = await eventually(lambda: _of_status(process, made["id"], "dead"), bool, timeout_s=30)
        assert [(one["type"], one["last_error"]) for one in dead] == [("KeyCreated", "it answered 500")]
        code, out, err = await process.ask("status")
        assert code == 1
        assert "ALARM webhook_dead" in out
        _, out, _ = await process.ask("status", "--json")
        status = json.loads(out)
        assert [one["dead"] for one in status["webhooks"]] == [1]
        assert [(one["part"], one["state"]) for one in status["parts"] if one["part"] == "sender"] == [
            ("sender", "leading")
        ]
        receiver.answers = lambda _got: 200
        rotated = await process.json("webhooks", "rotate", made["id"], "--overlap-s", "60")
        receiver.requests.clear()
        assert [one["status"] for one in await process.json("webhooks", "replay", made["id"], "--dead")] == ["pending"]
        await receiver.until(lambda one: len(one.requests) == 1)
        for secret in (made["secret"], rotated["secret"]):
            receiver.requests[0].verify(secret)
        assert await eventually(lambda: _of_status(process, made["id"], "delivered"), bool, timeout_s=30)
        code, out, _ = await process.ask("webhooks", "deliveries", made["id"])
        assert (code, "KeyCreated" in out) == (0, True)
        code, out, _ = await process.ask("webhooks", "list")
        assert (code, receiver.url in out, "whsec_" in out) == (0, True, False)
        for wrong in (("replay", made["id"]), ("replay", made["id"], "1", "--dead"), ("delete", "x")):
            assert (await process.ask("webhooks", *wrong))[0] == 2
        assert (await process.json("webhooks", "delete", made["id"]))["deleted_at"] is not None
        assert await process.json("webhooks", "list") == []
        async with httpx.AsyncClient(base_url=process.url) as client:
            metrics = (await client.get("/metrics")).text
        assert 'keyledger_webhook_deliveries_total{outcome="delivered"} 1.0' in metrics
        assert 'keyledger_webhook_deliveries_total{outcome="died"} 1.0' in metrics
    assert await process.stop() == 0


async def _of_status(process: RegistryProcess, webhook_id: str, status: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await process.json("webhooks", "deliveries", webhook_id, "--status", status)
    return found
