"""Whom the embedded PostgreSQL runs as where root starts it: an account of its own before one that others use too."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from keyledger.embedded.errors import PostgresNotReachable
from keyledger.embedded.postgresql.account import Account, service_account


@pytest.fixture
def accounts(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """The accounts of a machine on which we are root: their ids, to be filled in."""
    made: dict[str, int] = {}

    def entry(name: str) -> pwd.struct_passwd:
        return pwd.struct_passwd((name, "x", made[name], 7, "", "/", "/bin/false"))

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(pwd, "getpwnam", entry)
    return made


def test_an_account_of_its_own_comes_before_those_that_others_use_too(accounts: dict[str, int]) -> None:
    accounts |= {"nobody": 65534}
    assert service_account() == Account("nobody", 65534, 7)
    accounts |= {"postgres": 101}
    assert service_account() == Account("postgres", 101, 7)
    accounts |= {"keyledger": 0}
    assert service_account() == Account("postgres", 101, 7), "one that is root is none"
    accounts |= {"keyledger": 990}
    assert service_account() == Account("keyledger", 990, 7)


@pytest.mark.usefixtures("accounts")
def test_without_any_the_error_says_which_to_make() -> None:
    with pytest.raises(PostgresNotReachable, match="useradd --system keyledger"):
        service_account()


@pytest.mark.parametrize("name", ["postgres", "nobody"])
def test_an_account_that_others_use_too_warns_and_says_what_to_do(name: str) -> None:
    warning = Account(name, 101, 7).warning(Path("/a b/data"))
    assert warning is not None
    assert f"`{name}`" in warning
    assert "`chown -R keyledger: '/a b/data'`" in warning
    assert Account("keyledger", 990, 7).warning(Path("/a b/data")) is None
