"""Whom PostgreSQL runs as: ourselves, or an unprivileged account when we are root, which PostgreSQL refuses."""

from __future__ import annotations

import os
import pwd
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from keyledger.embedded.errors import PostgresNotReachable, WrongMode
from keyledger.embedded.ownership import check_files

# The first that there is. The others run more than our server.
_OWN: Final = "keyledger"
_SHARED: Final = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """An unprivileged account that root starts PostgreSQL as."""

    name: str
    uid: int
    gid: int

    def warning(self, data: Path) -> str | None:
        """What to do where other programs run as the account, too."""
        if self.name not in _SHARED:
            return None
        chown = f"chown -R {_OWN}: {shlex.quote(str(data))}"
        return (
            f"PostgreSQL runs as the account `{self.name}`, so whatever else runs as it can read and change the log. "
            f"Give it one of its own: stop, `useradd --system {_OWN}`, `{chown}`, and start again"
        )


def service_account() -> Account | None:
    """Who runs the server on a new folder: None for an ordinary user, for root the first unprivileged account we know.

    Raises PostgresNotReachable when there is none.
    """
    if os.geteuid() != 0:
        return None
    for name in (_OWN, *_SHARED):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(name, entry.pw_uid, entry.pw_gid)
    raise PostgresNotReachable(
        "PostgreSQL refuses to run as root, and there is no account `keyledger`, `postgres` or `nobody`: make the "
        "first (`useradd --system keyledger`), or start as an ordinary user."
    )


def account_on(data: Path) -> Account | None:
    """Who runs the server on a folder that is there: as root the account that it belongs to, if it may be that one.

    Raises WrongOwner, WrongMode where that account can't use all of it, PostgresNotReachable.
    """
    account = service_account()
    if account is not None:
        account = _unprivileged(data.stat().st_uid) or account
    check_files(data, os.geteuid() if account is None else account.uid)
    mode = data.stat().st_mode
    if mode & 0o027:
        raise WrongMode(
            f"{data} has mode {mode & 0o777:04o}, and PostgreSQL demands that it is closed to others. "
            f"Run: chmod 700 {shlex.quote(str(data))}"
        )
    return account


def _unprivileged(uid: int) -> Account | None:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return None
    return Account(entry.pw_name, uid, entry.pw_gid) if uid != 0 else None
