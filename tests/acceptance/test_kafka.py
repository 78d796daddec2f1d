"""The whole way through a real broker, as processes: nothing is lost, nothing wrong is billed, one command mends."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from registry.log.postgres import PostgresEventLog
from tests.support.ledger.workload import fill
from tests.support.processes.chaos import survive
from tests.support.processes.initialised import InitialisedFolder
from tests.support.processes.log_lines import assert_quiet
from tests.support.processes.parts import (
    Part,
    applied,
    assert_equal_to_a_fresh_replay,
    environment,
    make_ledger,
)
from tests.support.processes.registry_process import RegistryProcess
from tests.support.servers.broker import Broker, JarBroker
from tests.support.servers.databases import Database

PERIOD = {"since": "2020-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z", "group_by": "customer_id"}


def through(broker: Broker, topic: str) -> dict[str, str]:
    """The variables of `up --feed kafka`."""
    return {"KEYLEDGER_KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap_servers, "KEYLEDGER_KAFKA_TOPIC": topic,
            "KEYLEDGER_KAFKA_GROUP": topic}  # fmt: skip


async def put(broker: Broker, topic: str, key: bytes, value: bytes) -> None:
    """Write a record as a stranger."""
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap_servers)
    await producer.start()
    await producer.send_and_wait(topic, key=key, value=value)
    await producer.stop()


async def missing(asked: Part, part: str) -> str:
    """What the alarm says of a part that was killed, once there is one, though nothing is written."""
    async with asyncio.timeout(60):
        while True:
            alarms = (await asked.status())["alarms"]
            found = [str(one["detail"]) for one in alarms if one["kind"] == "part_missing"]
            if words := [one for one in found if one.startswith(f"the {part} ")]:
                return words[0]
            await asyncio.sleep(0.1)


async def both_beat(asked: Part) -> None:
    """The active relay has given a sign of life after the standby began: else it would count as replaced by it."""
    async with asyncio.timeout(60):
        while True:
            relays = {one["state"]: one for one in (await asked.status())["parts"] if one["part"] == "relay"}
            if len(relays) == 2 and relays["leading"]["beat_at"] > relays["standing_by"]["started_at"]:
                return
            await asyncio.sleep(0.1)


async def status(process: RegistryProcess) -> tuple[int, dict[str, Any]]:
    """Exit code and answer of `keyledger status --json`."""
    code, out, _ = await process.ask("status", "--json")
    return code, json.loads(out)


@pytest.mark.long  # in make test, `tests/integration/kafka/test_bad_records.py` has the strangers
async def test_strangers_records_are_named_and_one_command_goes_on(
    broker: Broker, topic: str, tmp_path: Path, initialised: InitialisedFolder
) -> None:
    process = await initialised.registry(tmp_path / "data", "--feed", "kafka", environ=through(broker, topic))
    await process.start()
    async with process.portal() as portal:
        key = await portal.create({"customer_id": "acme"})
        await process.json("bill", "--since", PERIOD["since"], "--until", PERIOD["until"])
        assert (await status(process))[0] == 0
        await put(broker, topic, b"key-x", b"\xff garbage")
        forged = {
            "specversion": "1.0", "id": "99", "source": f"/keyledger/{(await status(process))[1]['log_id']}",
            "subject": key["public_id"], "type": "keyledger.TagsChanged.v1",
        }  # fmt: skip
        await put(broker, topic, f"key-{key['public_id']}".encode(), json.dumps(forged).encode())
        async with asyncio.timeout(60):
            while len((await status(process))[1]["alarms"]) < 2:  # noqa: ASYNC110 - the alarms are another process's
                await asyncio.sleep(0.2)
        code, seen = await status(process)
        assert code == 1
        assert {alarm["kind"] for alarm in seen["alarms"]} == {"dead_letter"}
        code, printed, err = await process.command("dead-letters", "waive", "--all", "--reason", "a test", "--json")
        assert code == 0, err
        assert len(json.loads(printed)["items"]) == 2
        await portal.edit(key["public_id"], {"tags": {"customer_id": "globex"}})
        await process.json("bill", "--since", PERIOD["since"], "--until", PERIOD["until"])
        assert (await status(process))[0] == 0
    assert await process.stop() == 0


@pytest.mark.long  # below, in make test, the parts are killed one by one, and the broker
async def test_kills_of_registry_and_broker_lose_nothing_and_bills_stay_right(
    own_broker: JarBroker, topic: str, tmp_path: Path, initialised: InitialisedFolder
) -> None:
    async def kill_the_broker(_rng: object) -> None:
        await asyncio.to_thread(own_broker.kill)
        await asyncio.to_thread(own_broker.start)

    process = await initialised.registry(tmp_path / "data", "--feed", "kafka", environ=through(own_broker, topic))
    await survive(process, seed=3, kills=2, writes=100, between=kill_the_broker)


async def test_while_kafka_is_away_keys_are_made_and_revoked_and_afterwards_all_of_it_arrives(
    own_broker: JarBroker, topic: str, tmp_path: Path, initialised: InitialisedFolder
) -> None:
    process = await initialised.registry(tmp_path / "data", "--feed", "kafka", environ=through(own_broker, topic))
    await process.start()
    await asyncio.to_thread(own_broker.kill)
    async with process.portal() as portal:
        async with asyncio.timeout(20):
            keys = [await portal.create({"customer_id": f"c{number}"}) for number in range(50)]
            for key in keys[::2]:
                await portal.revoke(key["public_id"])
        _, seen = await status(process)
        assert seen["head"] == 76
        assert seen["projectors"][0]["applied"] == 1  # the first token, before Kafka was there
        async with asyncio.timeout(60):
            while "the relay waits, and tries again: " not in process.log.read_text(encoding="utf-8"):  # noqa: ASYNC110 - of another process
                await asyncio.sleep(0.1)
        await asyncio.to_thread(own_broker.start)
        bill = await process.json("bill", "--since", PERIOD["since"], "--until", PERIOD["until"])
        assert bill["position"] == 76
        assert (await status(process))[0] == 0
    assert await process.stop() == 0
    assert_quiet(process.log)
    said = process.log.read_text(encoding="utf-8")
    assert said.count("the relay goes on again, after ") == 1, "recovery is logged as failure is"
    assert f"connected to Kafka at {own_broker.bootstrap_servers}, PLAINTEXT" in said


async def test_the_parts_alone_are_killed_and_a_standby_takes_over(
    broker: Broker, topic: str, tmp_path: Path, database: Database, postgres_log: PostgresEventLog
) -> None:
    environ = {
        **environment(database, broker.bootstrap_servers, topic, tmp_path),
        "KEYLEDGER_PART_MISSING_S": "3",
    }
    await make_ledger(environ)
    first, second = (Part(tmp_path / f"publish-{name}.log", environ, "publish") for name in ("1", "2"))
    projector = Part(tmp_path / "project.log", environ, "project", "clickhouse", "--feed", "kafka")
    try:
        for part in (first, projector):
            await part.start()
        await fill(postgres_log, seed=41, count=30)
        await applied(projector, (await postgres_log.head()).position)
        await second.start()
        assert 'keyledger_publisher_leads{role="publisher"} 1.0' in (await first.get("/metrics")).text
        assert 'keyledger_publisher_leads{role="publisher"} 0.0' in (await second.get("/metrics")).text
        assert (await first.get("/healthz")).json() == {"status": "ok"}
        await both_beat(first)
        await first.kill()
        await fill(postgres_log, seed=42, count=30)
        await applied(projector, (await postgres_log.head()).position)
        assert "another one runs" in await missing(projector, "relay")
        await projector.kill()
        assert "none runs" in await missing(second, "projector")
        await fill(postgres_log, seed=43, count=30)
        await projector.start()
        head = (await postgres_log.head()).position
        await applied(projector, head)
        text = (await projector.get("/metrics")).text
        for line in (
            f"keyledger_log_head_position {float(head)}",
            f'keyledger_applied_position{{projector="clickhouse"}} {float(head)}',
            f'keyledger_published_position{{topic="{topic}"}} {float(head)}',
            "keyledger_dead_letters_open 0.0",
        ):
            assert line in text
    finally:
        for part in (first, second, projector):
            await part.stop()
    await assert_equal_to_a_fresh_replay(environ)
