"""Settings are read once, told about all together when wrong, and shown without their secrets."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import trustme
import typer
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from pydantic import ValidationError
from typer.testing import CliRunner

from keyledger.cli import app
from keyledger.settings import Settings, SettingsError, chosen_folder, folder_of

SECRET = "correct-horse"


@pytest.fixture(scope="module")
def pems(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """PEM files by name: of a CA, of a certificate with its key, that key encrypted, and another certificate's key."""
    folder = tmp_path_factory.mktemp("pems")
    ca = trustme.CA()
    cert, other = ca.issue_cert("localhost"), ca.issue_cert("localhost")
    key = load_pem_private_key(cert.private_key_pem.bytes(), None)
    encrypted = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(SECRET.encode()))
    contents = {
        "ca": ca.cert_pem.bytes(),
        "cert": cert.cert_chain_pems[0].bytes(),
        "key": cert.private_key_pem.bytes(),
        "encrypted": encrypted,
        "other_key": other.private_key_pem.bytes(),
        "broken": b"-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----\n",
        "words": b"no PEM at all",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {"absent": str(folder / "absent")} | {name: str(folder / name) for name in contents}


def read(monkeypatch: pytest.MonkeyPatch, values: Mapping[str, str]) -> Settings:
    """The settings with these variables, named without their prefix."""
    for name, value in values.items():
        monkeypatch.setenv(f"KEYLEDGER_{name}", value)
    return Settings.read()


def faults(monkeypatch: pytest.MonkeyPatch, values: Mapping[str, str]) -> list[str]:
    """What is wrong with these variables, a line each."""
    with pytest.raises(SettingsError) as caught:
        read(monkeypatch, values)
    assert SECRET not in str(caught.value)
    return str(caught.value).splitlines()[1:]


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


def test_the_gateway_s_database_is_none_until_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings.read()
    assert (settings.gateway_database_url, settings.gateway_schema) == (None, "public")
    assert settings.gateway_reconcile_keys_per_s == 170, "100,000 keys in about ten minutes"
    settings = read(monkeypatch, {"GATEWAY_DATABASE_URL": "postgres://g:p@gateway/tz", "GATEWAY_SCHEMA": "tensorzero"})
    assert settings.gateway_database_url == "postgresql+asyncpg://g:p@gateway/tz"
    [fault] = faults(monkeypatch, {"GATEWAY_SCHEMA": 'a"b'})
    assert fault.startswith("KEYLEDGER_GATEWAY_SCHEMA: ")


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


def test_no_page_of_another_origin_reads_answers_until_its_origin_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.read().http_origins is None
    settings = read(monkeypatch, {"HTTP_ORIGINS": "https://portal.example, http://localhost:5173,https://[::1]:8443"})
    assert settings.http_origins == "https://portal.example,http://localhost:5173,https://[::1]:8443"


@pytest.mark.parametrize(
    ("origins", "words"),
    [
        *(("*", "any page"), ("https://a.example,*", "any page")),
        *(
            (one, "as browsers send it")
            for one in ("null", "portal.example", "https://a.example/", "https://A.example")
        ),
        *(
            (one, "as browsers send it")
            for one in ("https://a.example:443", "https://u@a.example", "https://*.example")
        ),
    ],
)
def test_an_origin_that_is_too_wide_or_that_no_browser_sends_is_refused(
    monkeypatch: pytest.MonkeyPatch, origins: str, words: str
) -> None:
    [fault] = faults(monkeypatch, {"HTTP_ORIGINS": origins})
    assert fault.startswith("KEYLEDGER_HTTP_ORIGINS: ")
    assert words in fault


@pytest.mark.parametrize("topic", ["a b", "..", "x" * 201, "umläut"])
def test_a_topic_has_a_name_that_kafka_takes(monkeypatch: pytest.MonkeyPatch, topic: str) -> None:
    [fault] = faults(monkeypatch, {"KAFKA_TOPIC": topic})
    assert fault.startswith("KEYLEDGER_KAFKA_TOPIC: ")


@pytest.mark.parametrize("options", ["ssl=require", "sslmode=verify-full", "sslrootcert=/ca.pem"])
def test_tls_of_postgresql_has_one_place_and_it_is_not_the_url(monkeypatch: pytest.MonkeyPatch, options: str) -> None:
    """In the URL it would be overruled in silence."""
    [fault] = faults(monkeypatch, {"DATABASE_URL": f"postgresql://u:{SECRET}@h/d?{options}"})
    assert "KEYLEDGER_DATABASE_SSL" in fault


@pytest.mark.parametrize(
    "values",
    [
        {"KAFKA_SECURITY_PROTOCOL": "SSL"},
        {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_CA_FILE": "ca", "KAFKA_CERT_FILE": "cert", "KAFKA_KEY_FILE": "key"},
        {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_USERNAME": "u", "KAFKA_SASL_PASSWORD": SECRET},
        {"DATABASE_SSL": "verify-full"},
        {"DATABASE_SSL": "verify-ca", "DATABASE_CA_FILE": "ca"},
        {"DATABASE_SSL": "require", "DATABASE_CERT_FILE": "cert", "DATABASE_KEY_FILE": "key"},
        {"CLICKHOUSE_URL": "https://host", "CLICKHOUSE_CA_FILE": "ca"},
        {"CLICKHOUSE_URL": "https://u@host", "CLICKHOUSE_CERT_FILE": "cert", "CLICKHOUSE_KEY_FILE": "key"},
    ],
)
def test_security_that_fits_together_is_taken(
    monkeypatch: pytest.MonkeyPatch, pems: Mapping[str, str], values: Mapping[str, str]
) -> None:
    read(monkeypatch, {name: pems.get(value, value) for name, value in values.items()})


PAIR = {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_CERT_FILE": "cert"}


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}, ["KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD"]),
        ({"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_PASSWORD": SECRET}, ["KAFKA_SASL_USERNAME"]),
        ({"KAFKA_SASL_USERNAME": "u", "KAFKA_SASL_PASSWORD": SECRET}, ["KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD"]),
        ({"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SASL_PASSWORD": SECRET}, ["KAFKA_SASL_PASSWORD"]),
        ({"KAFKA_CA_FILE": "ca"}, ["KAFKA_CA_FILE"]),
        ({"KAFKA_KEY_PASSWORD": SECRET}, ["KAFKA_KEY_PASSWORD"]),
        (PAIR, ["KAFKA_KEY_FILE"]),
        ({"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_KEY_FILE": "key"}, ["KAFKA_CERT_FILE"]),
        (PAIR | {"KAFKA_KEY_FILE": "other_key"}, ["KAFKA_KEY_FILE"]),
        (PAIR | {"KAFKA_KEY_FILE": "encrypted"}, ["KAFKA_KEY_FILE"]),
        (PAIR | {"KAFKA_KEY_FILE": "encrypted", "KAFKA_KEY_PASSWORD": f"not {SECRET}"}, ["KAFKA_KEY_FILE"]),
        ({"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_CA_FILE": "broken"}, ["KAFKA_CA_FILE"]),
        ({"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_CA_FILE": "absent"}, ["KAFKA_CA_FILE"]),
        ({"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_CA_FILE": "words"}, ["KAFKA_CA_FILE"]),
        ({"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_CA_FILE": "/"}, ["KAFKA_CA_FILE"]),
        (PAIR | {"KAFKA_KEY_FILE": "cert"}, ["KAFKA_KEY_FILE"]),
        ({"DATABASE_CA_FILE": "ca"}, ["DATABASE_CA_FILE"]),
        ({"DATABASE_SSL": "disable", "DATABASE_CA_FILE": "ca"}, ["DATABASE_CA_FILE"]),
        ({"DATABASE_SSL": "require", "DATABASE_CA_FILE": "ca"}, ["DATABASE_CA_FILE"]),
        ({"CLICKHOUSE_URL": "http://host", "CLICKHOUSE_CA_FILE": "ca"}, ["CLICKHOUSE_CA_FILE"]),
        ({"CLICKHOUSE_URL": "chdb:///x", "CLICKHOUSE_CA_FILE": "ca"}, ["CLICKHOUSE_CA_FILE"]),
        ({"CLICKHOUSE_URL": "https://host?verify=false", "CLICKHOUSE_CA_FILE": "ca"}, ["CLICKHOUSE_URL"]),
        (
            {"CLICKHOUSE_URL": "https://host", "CLICKHOUSE_CERT_FILE": "cert", "CLICKHOUSE_KEY_FILE": "key"},
            ["CLICKHOUSE_URL"],
        ),
    ],
)
def test_security_that_does_not_fit_together_is_a_fault_of_the_variable_to_change(
    monkeypatch: pytest.MonkeyPatch, pems: Mapping[str, str], values: Mapping[str, str], named: list[str]
) -> None:
    """Anything else would be an option that is set, and protects nothing."""
    found = faults(monkeypatch, {name: pems.get(value, value) for name, value in values.items()})
    assert [fault.partition(":")[0] for fault in found] == [f"KEYLEDGER_{name}" for name in named]


def test_a_cluster_is_one_of_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The embedded engine would ignore it in silence. Without a URL the statements can still be printed."""
    assert read(monkeypatch, {"CLICKHOUSE_CLUSTER": "prod"}).clickhouse_cluster == "prod"
    assert read(monkeypatch, {"CLICKHOUSE_URL": "http://host:8123"}).clickhouse_cluster == "prod"
    [fault] = faults(monkeypatch, {"CLICKHOUSE_URL": "chdb:///srv/ledger"})
    assert fault.startswith("KEYLEDGER_CLICKHOUSE_CLUSTER: unset it, or let KEYLEDGER_CLICKHOUSE_URL name a server")


@pytest.mark.parametrize("name", ["prod-eu", "a b", "'prod'"])
def test_a_cluster_has_a_name_that_needs_no_quoting(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    [fault] = faults(monkeypatch, {"CLICKHOUSE_CLUSTER": name})
    assert fault.startswith("KEYLEDGER_CLICKHOUSE_CLUSTER: ")


def test_the_gateways_metrics_are_urls_without_a_login_and_their_key_is_hidden(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    urls = {"GATEWAY_METRICS_URL": "http://one:3000/metrics, https://two.example/metrics"}
    settings = read(monkeypatch, urls | {"GATEWAY_METRICS_KEY": SECRET})
    assert settings.gateway_metrics_url == "http://one:3000/metrics,https://two.example/metrics"
    assert SECRET not in f"{settings.describe()} {settings!r}"
    for wrong in (
        f"http://app:{SECRET}@one/metrics",
        "one:3000/metrics",
        "http://one:3000/metrics,",
        "http://one:99999",
    ):
        [fault] = faults(monkeypatch, {"GATEWAY_METRICS_URL": wrong})
        assert fault.startswith("KEYLEDGER_GATEWAY_METRICS_URL: must be http(s)://host:port/metrics without a login")
    monkeypatch.setenv("KEYLEDGER_GATEWAY_METRICS_URL", "http://one/metrics")
    [fault] = faults(monkeypatch, {"GATEWAY_METRICS_KEY": f"{SECRET}\n"})
    assert fault.startswith("KEYLEDGER_GATEWAY_METRICS_KEY: ")
    assert SECRET not in fault


def test_an_encrypted_key_is_read_with_its_password(monkeypatch: pytest.MonkeyPatch, pems: Mapping[str, str]) -> None:
    values = {"KAFKA_CERT_FILE": pems["cert"], "KAFKA_KEY_FILE": pems["encrypted"], "KAFKA_KEY_PASSWORD": SECRET}
    read(monkeypatch, values | {"KAFKA_SECURITY_PROTOCOL": "SSL"}).tls("kafka").context()


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


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command of the command line, groups too, by the words that call it."""
    yield path, group
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, (*path, name))


EVERY_SECRET = {
    "DATABASE_URL": f"postgresql://app:{SECRET}@host/ledger",
    "MIGRATION_DATABASE_URL": f"postgresql://owner:{SECRET}@host/ledger",
    "GATEWAY_DATABASE_URL": f"postgresql://gateway:{SECRET}@host/gateway",
    "GATEWAY_METRICS_KEY": SECRET,
    "CLICKHOUSE_URL": f"https://app:{SECRET}@host:8443",
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


URLS = {
    "DATABASE_URL": f"postgresql://app:{SECRET}@host/ledger",
    "CLICKHOUSE_URL": f"http://app:{SECRET}@host:8123",
}


def test_a_command_means_a_folder_or_the_databases(monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen_folder(None, read(monkeypatch, {})) == Path("keyledger-data")
    assert chosen_folder(Path("here"), read(monkeypatch, URLS)) == Path("here")
    assert chosen_folder(None, read(monkeypatch, URLS)) is None
    monkeypatch.delenv("KEYLEDGER_CLICKHOUSE_URL")
    assert chosen_folder(None, Settings.read()) is None, "without bills, all the rest works"
    monkeypatch.delenv("KEYLEDGER_DATABASE_URL")
    settings = read(monkeypatch, {"DATA": "there"})
    assert (chosen_folder(None, settings), chosen_folder(Path("here"), settings)) == (Path("there"), Path("here"))
    assert (folder_of(None, settings), folder_of(Path("here"), settings)) == (Path("there"), Path("here"))


@pytest.mark.parametrize("name", [*URLS, "MIGRATION_DATABASE_URL"])
def test_a_folder_and_databases_at_once_are_refused_unless_the_option_chooses(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The log that was not meant would be changed."""
    settings = read(monkeypatch, {"DATA": "there", name: URLS.get(name, URLS["DATABASE_URL"])})
    with pytest.raises(SettingsError, match=f"KEYLEDGER_{name}.*--data there.*unset KEYLEDGER_DATA") as caught:
        chosen_folder(None, settings)
    assert SECRET not in str(caught.value)
    assert chosen_folder(Path("there"), settings) == Path("there")


def test_clickhouse_alone_is_no_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder would be asked, and the URL ignored in silence."""
    with pytest.raises(SettingsError, match="set KEYLEDGER_DATABASE_URL"):
        chosen_folder(None, read(monkeypatch, {"CLICKHOUSE_URL": URLS["CLICKHOUSE_URL"]}))
