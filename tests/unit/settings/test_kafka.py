"""Brokers and the topic."""

from __future__ import annotations

import pytest

from keyledger.settings import Settings
from tests.support.settings_read import faults, read


def test_kafka_s_defaults_are_those_of_the_contract() -> None:
    settings = Settings.read()
    assert (settings.kafka_bootstrap_servers, settings.kafka_topic) == (None, "keyledger.events.v1")
    assert (settings.kafka_group, settings.kafka_security_protocol) == ("keyledger-clickhouse", "PLAINTEXT")
    assert (settings.kafka_partitions, settings.kafka_replication, settings.kafka_retention_hours) == (6, None, 168)
    assert (settings.dead_letters_max, settings.hole_alarm_s, settings.database_ssl) == (100, 30.0, "prefer")


def test_several_brokers_are_read_with_blanks_between(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(monkeypatch, {"KAFKA_BOOTSTRAP_SERVERS": "one.example:9092, 10.0.0.2:9093,[::1]:9094"})
    assert settings.kafka_bootstrap_servers == "one.example:9092,10.0.0.2:9093,[::1]:9094"


@pytest.mark.parametrize("servers", ["host", "host:0", "host:65536", "a:1,,b:2", "a:1 b:2", "kafka://a:1", ":9092"])
def test_brokers_are_host_and_port(monkeypatch: pytest.MonkeyPatch, servers: str) -> None:
    [fault] = faults(monkeypatch, {"KAFKA_BOOTSTRAP_SERVERS": servers})
    assert fault.startswith("KEYLEDGER_KAFKA_BOOTSTRAP_SERVERS: must be host:port")


@pytest.mark.parametrize("topic", ["a b", "..", "x" * 201, "umläut"])
def test_a_topic_has_a_name_that_kafka_takes(monkeypatch: pytest.MonkeyPatch, topic: str) -> None:
    [fault] = faults(monkeypatch, {"KAFKA_TOPIC": topic})
    assert fault.startswith("KEYLEDGER_KAFKA_TOPIC: ")
