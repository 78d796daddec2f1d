"""A real broker that wants TLS and a login: who has both publishes and consumes, who lacks one gets nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from keyledger.runtime.connections import kafka_options
from keyledger.runtime.workers import topic_plans
from keyledger.settings import Settings
from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from projections.ledger.dead_letters import DeadLetters
from projections.ledger.kafka_feed import KafkaFeed, KafkaSubscription
from projections.ledger.projector import Projector
from projections.ledger.store import Store
from registry.errors import BrokerAway
from registry.log.postgres import open_log
from registry.publish.broker import broker
from registry.publish.checkpoint import RelayCheckpoint
from registry.publish.relay import Relay
from registry.publish.topics import ensure_topics
from tests.support.ledger.workload import fill
from tests.support.servers.broker import JarBroker, NoBroker, free_port, missing_service
from tests.support.servers.databases import Database

pytestmark = pytest.mark.xdist_group("kafka-security")  # one server for the file

LOGIN, PASSWORD = "keyledger", "correct-horse-battery"
JAAS = "org.apache.kafka.common.security.plain.PlainLoginModule"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Who signed the broker's certificate."""
    return trustme.CA()


@pytest.fixture(scope="module")
def secured(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a broker's listener with TLS and a login."""
    folder, port = tmp_path_factory.mktemp("secured"), free_port()
    certificate = authority.issue_cert("127.0.0.1")
    # The broker wants the key in PKCS 8.
    key = load_pem_private_key(certificate.private_key_pem.bytes(), None)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "broker.pem").write_bytes(pem + b"".join(one.bytes() for one in certificate.cert_chain_pems))
    secured = "listener.name.sasl_ssl"
    extra = f"""sasl.enabled.mechanisms=PLAIN
{secured}.plain.sasl.jaas.config={JAAS} required user_{LOGIN}="{PASSWORD}";
{secured}.ssl.keystore.type=PEM
{secured}.ssl.keystore.location={folder / "broker.pem"}"""
    try:
        broker = JarBroker(folder / "kafka", listeners=(f"SASL_SSL://127.0.0.1:{port}",), extra=extra)
    except NoBroker as error:
        missing_service(str(error))
    broker.start()
    yield port
    broker.stop()


@pytest.fixture
def settings(
    secured: int, authority: trustme.CA, topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """What an operator would set."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    for name, value in {
        "BOOTSTRAP_SERVERS": f"127.0.0.1:{secured}",
        "TOPIC": topic,
        "GROUP": topic,
        "SECURITY_PROTOCOL": "SASL_SSL",
        "SASL_MECHANISM": "PLAIN",
        "SASL_USERNAME": LOGIN,
        "SASL_PASSWORD": PASSWORD,
        "CA_FILE": str(tmp_path / "ca.pem"),
    }.items():
        monkeypatch.setenv(f"KEYLEDGER_KAFKA_{name}", value)
    return Settings.read()


async def test_the_whole_way_goes_over_tls_with_a_login(
    settings: Settings, database: Database, clickhouse: ClickHouse, names: Names
) -> None:
    async with database.engine() as engine:
        log, store = await open_log(engine), Store(clickhouse, names)
        await fill(log, seed=11, count=10)
        options, plans = kafka_options(settings), topic_plans(settings)
        relay = Relay(log, RelayCheckpoint(engine, settings.kafka_topic), options, *plans)
        source = KafkaSubscription(options, *plans, settings.kafka_group)
        projector = Projector(KafkaFeed(log, store, DeadLetters(clickhouse, names), source), store, str(log.log_id))
        running = [asyncio.create_task(relay.run()), asyncio.create_task(projector.run())]
        head = (await log.head()).position
        async with asyncio.timeout(60):
            while (await store.applied()).position < head:
                await asyncio.wait(running, timeout=0.05, return_when=asyncio.FIRST_COMPLETED)
                assert not any(task.done() for task in running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await log.close()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kafka_sasl_password": "wrong-horse"}, "the broker said .*KEYLEDGER_KAFKA_SASL_PASSWORD"),
        pytest.param({"kafka_sasl_username": "somebody"}, "the broker said .*SASL_USERNAME", marks=pytest.mark.long),
        ({"kafka_ca_file": None}, "certificate is not trusted.*KEYLEDGER_KAFKA_CA_FILE"),
        ({"kafka_security_protocol": "PLAINTEXT"}, "KEYLEDGER_KAFKA_SECURITY_PROTOCOL"),
    ],
    ids=["a wrong password", "a stranger", "an unknown authority", "no TLS"],
)
async def test_who_lacks_one_of_them_gets_nothing_and_is_told_what(
    settings: Settings, change: dict[str, str | None], said: str
) -> None:
    """The driver says for all of them that it was unable to bootstrap."""
    options = kafka_options(settings.model_copy(update=change)) | {"request_timeout_ms": 3000}
    with pytest.raises(BrokerAway, match=f"Kafka at {settings.kafka_bootstrap_servers}: .*{said}") as refused:
        async with broker(options):
            await ensure_topics(options, *topic_plans(settings))
    for secret in (PASSWORD, "wrong-horse"):
        assert secret not in str(refused.value)
    assert "127.0.0.1" not in refused.value.public
