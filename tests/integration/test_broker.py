"""The broker of the tests: it keeps what it acknowledged, is found in three steps, and leaves nothing running."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from tenacity import Retrying, stop_after_delay, wait_fixed

from tests.support.servers import broker as steps
from tests.support.servers.broker import (
    BrokerFailed,
    JarBroker,
    NoBroker,
    free_port,
    missing_service,
    running_broker,
)
from tests.support.servers.databases import VARIABLE as DATABASE_VARIABLE
from tests.support.servers.databases import running_server
from tests.support.servers.docker import LOOPBACK, docker_answers
from tests.support.servers.kafka_jars import ONE_NODE, answers, fetched

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def jars() -> Path:
    """Apache Kafka's jars; skipped or failed where they can't be had."""
    try:
        return fetched()
    except NoBroker as error:
        missing_service(str(error))


@pytest.fixture
def engine_at(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Say where Docker's engine is; asked anew, now and after the test."""

    def say(address: str) -> None:
        monkeypatch.setenv("DOCKER_HOST", address)
        docker_answers.cache_clear()

    yield say
    docker_answers.cache_clear()


async def make(servers: str, topic: str) -> None:
    async with asyncio.timeout(30):
        admin = AIOKafkaAdminClient(bootstrap_servers=servers)
        await admin.start()
        try:
            await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
        finally:
            await admin.close()


async def send(servers: str, topic: str, values: list[bytes]) -> None:
    async with asyncio.timeout(30), AIOKafkaProducer(bootstrap_servers=servers, acks="all") as producer:
        for acknowledged in [await producer.send(topic, value) for value in values]:
            await acknowledged


async def read(servers: str, topic: str) -> list[bytes | None]:
    async with asyncio.timeout(30), AIOKafkaConsumer(bootstrap_servers=servers) as consumer:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        end = (await consumer.end_offsets([partition]))[partition]
        found: list[bytes | None] = []
        while len(found) < end:
            found += [record.value for record in (await consumer.getmany(partition)).get(partition, [])]
        return found


@pytest.mark.long
@pytest.mark.parametrize("end", [JarBroker.kill, JarBroker.stop], ids=["kill -9", "a clean stop"])
async def test_what_was_acknowledged_is_there_after(
    own_broker: JarBroker, topic: str, end: Callable[[JarBroker], None]
) -> None:
    servers, values = own_broker.bootstrap_servers, [b"%d" % number for number in range(300)]
    await make(servers, topic)
    # Twice: what the first end leaves (locks, ports, logs cut off) must not hinder the second start.
    for first in (0, 150):
        await send(servers, topic, values[first : first + 150])
        pid = own_broker.pid
        await asyncio.to_thread(end, own_broker)
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
        await asyncio.to_thread(own_broker.start)
        assert await read(servers, topic) == values[: first + 150]


def test_the_broker_of_the_environment_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(steps.VARIABLE, "one.example:9092,two.example:9092")
    monkeypatch.setenv("PATH", "")  # neither Docker nor Java is looked for
    with running_broker() as found:
        assert found.bootstrap_servers == "one.example:9092,two.example:9092"


def test_the_database_server_of_the_environment_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATABASE_VARIABLE, "postgresql+asyncpg://owner:secret@one.example/postgres")
    monkeypatch.setenv("PATH", "")
    with running_server() as found:
        assert found.owner.host == found.application.host == "one.example"


@pytest.mark.long  # every other test of the broker runs them where there is no engine
def test_without_an_engine_the_jars_are_run(
    jars: Path, engine_at: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert jars.is_dir()
    monkeypatch.delenv(steps.VARIABLE, raising=False)
    engine_at(f"unix://{tmp_path}/nobody")
    with running_broker() as found:
        assert isinstance(found, JarBroker)


def test_without_java_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(steps.VARIABLE, raising=False)
    monkeypatch.setenv("PATH", "")
    docker_answers.cache_clear()
    try:
        with pytest.raises(NoBroker, match="java"), running_broker():
            pass
    finally:
        docker_answers.cache_clear()


@pytest.mark.timeout(10)
def test_an_engine_that_never_answers_is_not_waited_for(engine_at: Callable[[str], None]) -> None:
    with socket.socket() as silent:
        silent.bind((LOOPBACK, 0))
        silent.listen()
        engine_at(f"tcp://{LOOPBACK}:{silent.getsockname()[1]}")
        assert not docker_answers()


def test_a_missing_service_skips_the_test_and_fails_it_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no Java"):
        missing_service("no Java")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no Java"):
        missing_service("no Java")


def test_a_port_that_another_program_has_is_a_fault_at_once(jars: Path, tmp_path: Path) -> None:
    assert jars.is_dir()
    port = free_port()
    made = JarBroker(tmp_path, port=port)
    with socket.socket() as other:
        other.bind((LOOPBACK, port))
        other.listen()
        # Else a broker that already runs there would answer in its place.
        with pytest.raises(BrokerFailed, match=f"another program listens on {LOOPBACK}:{port}"):
            made.start()


def test_a_broker_that_cannot_start_says_why(jars: Path, tmp_path: Path) -> None:
    assert jars.is_dir()
    made = JarBroker(tmp_path)
    with (tmp_path / "server.properties").open("a", encoding="utf-8") as settings:
        settings.write("process.roles=juggler\n")
    with pytest.raises(BrokerFailed, match="juggler"):
        made.start()


@pytest.mark.long
def test_records_are_kept_in_a_folder_that_is_named(jars: Path, tmp_path: Path, topic: str) -> None:
    assert jars.is_dir()
    for values in ([b"one"], [b"one", b"two"]):
        # On other ports the second time, as `make kafka` may be told.
        with running_broker(tmp_path, port=free_port()) as found:
            if len(values) == 1:
                asyncio.run(make(found.bootstrap_servers, topic))
            asyncio.run(send(found.bootstrap_servers, topic, values[-1:]))
            assert asyncio.run(read(found.bootstrap_servers, topic)) == values


def test_the_container_is_set_up_as_the_jars_are() -> None:
    environment = steps.container_environment(29092)
    assert all(environment[f"KAFKA_{name.upper().replace('.', '_')}"] == value for name, value in ONE_NODE.items())
    # Clients are sent to the address on loopback where the port is published.
    assert environment["KAFKA_ADVERTISED_LISTENERS"] == f"PLAINTEXT://{LOOPBACK}:29092"
    assert "PLAINTEXT://:29092" in environment["KAFKA_LISTENERS"]


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGINT, 0),
        pytest.param(signal.SIGTERM, 0, marks=pytest.mark.long),
        pytest.param(signal.SIGKILL, -signal.SIGKILL, marks=pytest.mark.long),
    ],
)
def test_make_kafka_says_where_it_is_and_leaves_nothing_behind(
    jars: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    assert jars.is_dir()
    environment = {**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/nobody", "TMPDIR": str(tmp_path)}
    environment.pop(steps.VARIABLE, None)
    command = [sys.executable, "-m", "tests.support.servers.broker", "--port", str(free_port())]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        word, address = running.stdout.readline().split()
        assert (word, address) == ("ready", f"{LOOPBACK}:{command[-1]}")
        assert running.stdout.readline() == f"export KEYLEDGER_KAFKA_BOOTSTRAP_SERVERS={address}\n"
        running.send_signal(number)
        assert running.wait(30) == code
    # Also when it had no chance to end the broker.
    for attempt in Retrying(stop=stop_after_delay(20), wait=wait_fixed(0.1), reraise=True):
        with attempt:
            assert not answers(address)
    if number != signal.SIGKILL:
        assert not list(tmp_path.iterdir())
