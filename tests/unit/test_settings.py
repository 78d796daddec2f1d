"""Settings are read once, told about all together when wrong, and shown without their secrets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from keyledger.settings import Settings, SettingsError

SECRET = "correct-horse"


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("KEYLEDGER_")]:
        monkeypatch.delenv(name)


def test_without_any_variable_the_defaults_hold() -> None:
    settings = Settings.read()
    assert settings.database_url is None
    assert (settings.clickhouse_database, settings.gateway_clickhouse_database) == ("keyledger", "tensorzero")
    assert (settings.clock_skew_ms, settings.clock_step_back_ms) == (0, 5000)
    assert (settings.append_queue, settings.append_batch, settings.bill_lines_max) == (10_000, 256, 100_000)


def test_a_variable_sets_its_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYLEDGER_CLOCK_SKEW_MS", "250")
    monkeypatch.setenv("KEYLEDGER_DATA", "some/folder")
    assert (Settings.read().clock_skew_ms, Settings.read().data) == (250, Path("some/folder"))


def test_settings_cannot_be_changed_after_they_were_read() -> None:
    with pytest.raises(ValidationError):
        Settings.read().clock_skew_ms = 1  # type: ignore[misc]


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYLEDGER_DATABASE_URL", "")
    assert Settings.read().database_url is None


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
def test_every_usual_postgresql_scheme_is_read_by_our_driver(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setenv("KEYLEDGER_DATABASE_URL", f"{scheme}://app:p%40ss@db:5432/ledger")
    assert Settings.read().database_url == "postgresql+asyncpg://app:p%40ss@db:5432/ledger"


@pytest.mark.parametrize("url", ["http://u:p@host:8123", "https://host", "chdb:///srv/ledger"])
def test_clickhouse_is_a_server_or_the_embedded_engine(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("KEYLEDGER_CLICKHOUSE_URL", url)
    assert Settings.read().clickhouse_url == url


def test_all_faults_are_told_together_by_name_and_without_values(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {
        "KEYLEDGER_DATABASE_URL": f"mysql://u:{SECRET}@host/db",
        "KEYLEDGER_MIGRATION_DATABASE_URL": f"postgresql://u:{SECRET}@host:not-a-port/db",
        "KEYLEDGER_CLICKHOUSE_URL": f"tcp://u:{SECRET}@host",
        "KEYLEDGER_CLICKHOUSE_DATABASE": "drop table;",
        "KEYLEDGER_CLOCK_SKEW_MS": "5001",
        "KEYLEDGER_APPEND_BATCH": "many",
        "KEYLEDGER_LOG_LEVEL": "LOUD",
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


def test_what_a_command_needs_is_asked_for_in_one_go(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match=r"KEYLEDGER_DATABASE_URL.*KEYLEDGER_CLICKHOUSE_URL"):
        Settings.read().require("database_url", "clickhouse_url")
    monkeypatch.setenv("KEYLEDGER_CLICKHOUSE_URL", "chdb:///x")
    assert Settings.read().require("clickhouse_url") == ("chdb:///x",)


def test_the_description_names_every_setting_and_hides_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYLEDGER_DATABASE_URL", f"postgresql://u:{SECRET}@host/db")
    monkeypatch.setenv("KEYLEDGER_CLICKHOUSE_URL", f"https://u:{SECRET}@host")
    rows = Settings.read().describe()
    assert [row["name"] for row in rows] == [f"KEYLEDGER_{name.upper()}" for name in Settings.model_fields]
    assert all(row["meaning"] for row in rows)
    assert SECRET not in str(rows)
    assert SECRET not in repr(Settings.read())
    assert {row["name"]: row["value"] for row in rows}["KEYLEDGER_CLOCK_STEP_BACK_MS"] == "5000"
