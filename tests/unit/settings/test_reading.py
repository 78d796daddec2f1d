"""Settings are read once, from variables."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from keyledger.settings import Settings, SettingsError
from tests.support.settings_read import faults


def test_without_any_variable_the_defaults_hold() -> None:
    settings = Settings.read()
    assert settings.database_url is None
    assert (settings.clickhouse_database, settings.gateway_clickhouse_database) == ("keyledger", "tensorzero")
    assert settings.clock_step_back_ms == 5000
    assert (settings.append_queue, settings.append_batch, settings.bill_lines_max) == (10_000, 256, 100_000)


def test_a_variable_sets_its_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYLEDGER_CLOCK_STEP_BACK_MS", "250")
    monkeypatch.setenv("KEYLEDGER_DATA", "some/folder")
    assert (Settings.read().clock_step_back_ms, Settings.read().data) == (250, Path("some/folder"))


def test_settings_cannot_be_changed_after_they_were_read() -> None:
    with pytest.raises(ValidationError):
        Settings.read().clock_step_back_ms = 1  # type: ignore[misc]


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYLEDGER_DATABASE_URL", "")
    assert Settings.read().database_url is None


def test_what_a_command_needs_is_asked_for_in_one_go(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match=r"KEYLEDGER_DATABASE_URL.*KEYLEDGER_CLICKHOUSE_URL"):
        Settings.read().require("database_url", "clickhouse_url")
    monkeypatch.setenv("KEYLEDGER_CLICKHOUSE_URL", "chdb:///x")
    assert Settings.read().require("clickhouse_url") == ("chdb:///x",)


def test_exports_for_focus_name_an_issuer_and_tags_that_keys_can_have(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings.read()
    assert (settings.focus_issuer, settings.focus_sub_account_tag) == ("Keyledger", "customer_id")
    assert settings.focus_sub_account_name_tag is None
    values = {"FOCUS_ISSUER": "Two\nlines", "FOCUS_SUB_ACCOUNT_TAG": "model", "FOCUS_SUB_ACCOUNT_NAME_TAG": "a:b"}
    said = faults(monkeypatch, values)
    assert [line.partition(":")[0] for line in said] == [f"KEYLEDGER_{name}" for name in values]
