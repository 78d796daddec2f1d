"""All that is wrong is said together, by name and without values."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from keyledger.settings import Settings, SettingsError
from tests.support.settings_read import SECRET, faults


def test_all_faults_are_told_together_by_name_and_without_values(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {
        "KEYLEDGER_DATABASE_URL": f"mysql://u:{SECRET}@host/db",
        "KEYLEDGER_MIGRATION_DATABASE_URL": f"postgresql://u:{SECRET}@host:not-a-port/db",
        "KEYLEDGER_CLICKHOUSE_URL": f"tcp://u:{SECRET}@host",
        "KEYLEDGER_CLICKHOUSE_DATABASE": "drop table;",
        "KEYLEDGER_CLOCK_SKEW_MS": "5001",
        "KEYLEDGER_APPEND_BATCH": "many",
        "KEYLEDGER_LOG_LEVEL": "LOUD",
        "KEYLEDGER_LOG_FORMAT": "xml",
        "KEYLEDGER_CLOCK_SKEW": "1",
    }
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        Settings.read()
    assert all(name in str(caught.value) for name in wrong)
    assert SECRET not in str(caught.value)
    assert "drop table" not in str(caught.value)


def test_no_traceback_of_wrong_settings_holds_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYLEDGER_DATABASE_URL", f"mysql://u:{SECRET}@host/db")
    with pytest.raises(SettingsError) as caught:
        Settings.read()
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_a_misspelt_variable_is_refused_and_one_of_the_tests_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYLEDGER_TEST_DATABASE_URL", "whatever")
    Settings.read()
    monkeypatch.setenv("KEYLEDGER_APEND_BATCH", "1")
    with pytest.raises(SettingsError, match="KEYLEDGER_APEND_BATCH"):
        Settings.read()


def test_faults_of_one_variable_and_of_several_together_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    found = faults(monkeypatch, {"KAFKA_PARTITIONS": "0", "KAFKA_SASL_PASSWORD": SECRET, "DATABASE_SSL": "maybe"})
    assert [fault.partition(":")[0] for fault in found] == [
        "KEYLEDGER_DATABASE_SSL",
        "KEYLEDGER_KAFKA_PARTITIONS",
        "KEYLEDGER_KAFKA_SASL_PASSWORD",
    ]


def test_a_variable_that_is_wrong_alone_is_not_also_said_to_conflict(
    monkeypatch: pytest.MonkeyPatch, pems: Mapping[str, str]
) -> None:
    """The second fault would be a guess at what was meant."""
    found = faults(monkeypatch, {"KAFKA_SECURITY_PROTOCOL": "TLS", "KAFKA_CA_FILE": pems["ca"]})
    assert [fault.partition(":")[0] for fault in found] == ["KEYLEDGER_KAFKA_SECURITY_PROTOCOL"]
