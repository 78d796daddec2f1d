"""TLS and SASL fit together, or are refused by the variable to change."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.support.settings_read import SECRET, faults, read


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


def test_an_encrypted_key_is_read_with_its_password(monkeypatch: pytest.MonkeyPatch, pems: Mapping[str, str]) -> None:
    values = {"KAFKA_CERT_FILE": pems["cert"], "KAFKA_KEY_FILE": pems["encrypted"], "KAFKA_KEY_PASSWORD": SECRET}
    read(monkeypatch, values | {"KAFKA_SECURITY_PROTOCOL": "SSL"}).tls("kafka").context()
