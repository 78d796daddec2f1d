"""The provider that people log in at: all of it or none, and nothing that others could read on the way."""

from __future__ import annotations

import pytest

from keyledger.settings import Settings
from tests.support.settings_read import SECRET, faults, read

ALL = {
    "CONSOLE_URL": "https://keyledger.example",
    "OPENID_ISSUER": "https://login.example/realms/a",
    "OPENID_CLIENT_ID": "keyledger",
    "OPENID_CLIENT_SECRET": SECRET,
    "OPENID_ROLES": '{"Finanz & Co": "7hQ2xYbK9mPd", "cn=ops,dc=example": "a" }'.replace('"a"', '"aaaaaaaaaaaa"'),
}


def test_a_provider_is_read_and_its_secret_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.read().openid_issuer is None
    settings = read(monkeypatch, ALL)
    assert settings.openid_roles == '{"Finanz & Co": "7hQ2xYbK9mPd", "cn=ops,dc=example": "aaaaaaaaaaaa"}'
    assert SECRET not in f"{settings.describe()} {settings!r}"


@pytest.mark.parametrize("missing", ["CONSOLE_URL", "OPENID_CLIENT_ID", "OPENID_ROLES"])
def test_a_provider_needs_the_others(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    [fault] = faults(monkeypatch, {name: value for name, value in ALL.items() if name != missing})
    assert fault == f"KEYLEDGER_{missing}: must be set, as KEYLEDGER_OPENID_ISSUER is"


@pytest.mark.parametrize("alone", ["OPENID_CLIENT_ID", "OPENID_CLIENT_SECRET", "OPENID_ROLES"])
def test_the_others_need_a_provider(monkeypatch: pytest.MonkeyPatch, alone: str) -> None:
    [fault] = faults(monkeypatch, {alone: ALL[alone]})
    assert fault.startswith(f"KEYLEDGER_{alone}: unset it, or set KEYLEDGER_OPENID_ISSUER")


@pytest.mark.parametrize(
    "issuer",
    [
        "http://login.example",
        "login.example",
        f"https://u:{SECRET}@login.example",
        "https://login.example?x=1",
        "https://",
        "http://127.0.0.1.evil.example",
        "http://localhost@evil.example",
    ],
)
def test_an_issuer_that_is_not_safe_is_refused(monkeypatch: pytest.MonkeyPatch, issuer: str) -> None:
    [fault] = faults(monkeypatch, ALL | {"OPENID_ISSUER": issuer})
    assert fault.startswith("KEYLEDGER_OPENID_ISSUER: must be https://host")


def test_an_issuer_on_this_machine_needs_no_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    for issuer in ("http://localhost:8081", "http://127.0.0.1:8081/dex", "http://[::1]:8081"):
        assert read(monkeypatch, ALL | {"OPENID_ISSUER": issuer}).openid_issuer == issuer


@pytest.mark.parametrize(
    "roles",
    ["finance=7hQ2xYbK9mPd", "{}", "[]", '{"finance": 7}', '{"": "7hQ2xYbK9mPd"}', '{"a": "kl-admin-7hQ2xYbK9mPd"}'],
)
def test_roles_that_name_no_tokens_are_refused(monkeypatch: pytest.MonkeyPatch, roles: str) -> None:
    [fault] = faults(monkeypatch, ALL | {"OPENID_ROLES": roles})
    assert fault.startswith("KEYLEDGER_OPENID_ROLES: must be a JSON object")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CONSOLE_URL", "https://keyledger.example/console"),
        ("OPENID_SCOPES", "profile email"),
        ("OPENID_ROLES_CLAIM", "two words"),
        ("OPENID_CLIENT_SECRET", f"{SECRET}\n"),
    ],
)
def test_what_can_not_be_sent_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    [fault] = faults(monkeypatch, ALL | {name: value})
    assert fault.startswith(f"KEYLEDGER_{name}: ")
