"""No secret is shown wherever settings are."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import typer
from typer.testing import CliRunner

from keyledger.cli import app
from keyledger.settings import Settings
from tests.support.command_line import commands
from tests.support.settings_read import SECRET, read


def test_the_description_names_every_setting_and_hides_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYLEDGER_DATABASE_URL", f"postgresql://u:{SECRET}@host/db")
    monkeypatch.setenv("KEYLEDGER_CLICKHOUSE_URL", f"https://u:{SECRET}@host")
    rows = Settings.read().describe()
    assert [row["name"] for row in rows] == [f"KEYLEDGER_{name.upper()}" for name in Settings.model_fields]
    assert all(row["meaning"] for row in rows)
    assert SECRET not in str(rows)
    assert SECRET not in repr(Settings.read())
    assert {row["name"]: row["value"] for row in rows}["KEYLEDGER_CLOCK_STEP_BACK_MS"] == "5000"


def test_passwords_are_hidden_wherever_settings_are_shown(
    monkeypatch: pytest.MonkeyPatch, pems: Mapping[str, str]
) -> None:
    values = {
        "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "KAFKA_SASL_USERNAME": "app",
        "KAFKA_SASL_PASSWORD": SECRET,
        "KAFKA_CERT_FILE": pems["cert"],
        "KAFKA_KEY_FILE": pems["encrypted"],
        "KAFKA_KEY_PASSWORD": SECRET,
    }
    settings = read(monkeypatch, values)
    shown = {row["name"]: row["value"] for row in settings.describe()}
    assert shown["KEYLEDGER_KAFKA_SASL_PASSWORD"] == shown["KEYLEDGER_KAFKA_KEY_PASSWORD"] == "(hidden)"
    assert shown["KEYLEDGER_KAFKA_SASL_USERNAME"] == "app"
    assert SECRET not in f"{shown} {settings!r} {settings} {settings.tls('kafka')!r}"


EVERY_SECRET = {
    "DATABASE_URL": f"postgresql://app:{SECRET}@host/ledger",
    "MIGRATION_DATABASE_URL": f"postgresql://owner:{SECRET}@host/ledger",
    "GATEWAY_DATABASE_URL": f"postgresql://gateway:{SECRET}@host/gateway",
    "GATEWAY_METRICS_KEY": SECRET,
    "CLICKHOUSE_URL": f"https://app:{SECRET}@host:8443",
    "CONSOLE_URL": "https://keyledger.example",
    "OPENID_ISSUER": "https://login.example",
    "OPENID_CLIENT_ID": "keyledger",
    "OPENID_CLIENT_SECRET": SECRET,
    "OPENID_ROLES": '{"finance": "7hQ2xYbK9mPd"}',
    "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
    "KAFKA_SASL_USERNAME": "app",
    "KAFKA_SASL_PASSWORD": SECRET,
    "KAFKA_CERT_FILE": "cert",
    "KAFKA_KEY_FILE": "encrypted",
    "KAFKA_KEY_PASSWORD": SECRET,
}


def test_every_secret_setting_is_tried_by_the_tests_below() -> None:
    """A new one must be added there."""
    secret = {name.upper() for name, about in Settings.model_fields.items() if not about.repr}
    assert secret == {name for name, value in EVERY_SECRET.items() if SECRET in value}


@pytest.mark.parametrize("words", [["settings"], ["settings", "--json"]])
def test_the_list_of_settings_shows_no_secret(
    monkeypatch: pytest.MonkeyPatch, pems: Mapping[str, str], words: list[str]
) -> None:
    read(monkeypatch, {name: pems.get(value, value) for name, value in EVERY_SECRET.items()})
    shown = CliRunner().invoke(app, words)
    assert shown.exit_code == 0
    assert "hidden" in shown.output
    assert SECRET not in shown.output


def test_no_help_shows_a_secret_and_no_command_takes_one_as_an_argument(
    monkeypatch: pytest.MonkeyPatch, pems: Mapping[str, str]
) -> None:
    """Arguments are in `ps`, for everybody on the machine."""
    read(monkeypatch, {name: pems.get(value, value) for name, value in EVERY_SECRET.items()})
    found = list(commands(typer.main.get_command(app)))
    assert len(found) > 15
    for words, command in found:
        shown = CliRunner().invoke(app, [*words, "--help"])
        assert (shown.exit_code, SECRET in shown.output) == (0, False), words
        named = {parameter.name for parameter in command.params}
        assert not {name for name in named if any(word in name for word in ("password", "secret", "url"))}, words
