"""Whom PostgreSQL runs as: ourselves, or an unprivileged account when we are root, which PostgreSQL refuses."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass

from keyledger.embedded.errors import PostgresNotReachable


@dataclass(frozen=True)
class Account:
    """An unprivileged account that root starts PostgreSQL as."""

    name: str
    uid: int
    gid: int


def service_account() -> Account | None:
    """None for an ordinary user. For root `postgres`, else `nobody`; raises PostgresNotReachable when neither is."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(name, entry.pw_uid, entry.pw_gid)
    raise PostgresNotReachable(
        "PostgreSQL refuses to run as root, and there is no account `postgres` or `nobody`: start as an ordinary user."
    )
