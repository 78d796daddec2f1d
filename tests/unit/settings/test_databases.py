"""Where the log's database, ClickHouse and the gateway's database are."""

from __future__ import annotations

import pytest

from keyledger.settings import Settings
from tests.support.settings_read import SECRET, faults, read


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


@pytest.mark.parametrize("options", ["ssl=require", "sslmode=verify-full", "sslrootcert=/ca.pem"])
def test_tls_of_postgresql_has_one_place_and_it_is_not_the_url(monkeypatch: pytest.MonkeyPatch, options: str) -> None:
    """In the URL it would be overruled in silence."""
    [fault] = faults(monkeypatch, {"DATABASE_URL": f"postgresql://u:{SECRET}@h/d?{options}"})
    assert "KEYLEDGER_DATABASE_SSL" in fault


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
