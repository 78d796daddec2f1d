"""What is wrong with the database: from an error of the drivers to what failed, where, what the server said, and a fix.

The one place where that is decided, by code and type. No password is in any of it: a URL is never quoted, only its
host, port, database and user.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import Any, Final

import asyncpg
from sqlalchemy import exc
from sqlalchemy.engine import URL

from registry.errors import DatabaseAway

# What to do, by SQLSTATE.
_FIXES: Final[Mapping[str, str]] = {
    "28P01": "correct the user or the password in the URL that names it",
    "28000": "let the role exist, log in, and be admitted from this machine by pg_hba.conf (where that asks for TLS, "
    "set KEYLEDGER_DATABASE_SSL=require), or correct the user in the URL",
    "3D000": "create the database, or correct its name in the URL",
    "42501": "let the owner GRANT CONNECT ON DATABASE to the user, and run `keyledger migrate` with the owner's URL in "
    "KEYLEDGER_MIGRATION_DATABASE_URL, which grants the rest",
    "42704": "create the role of KEYLEDGER_DATABASE_URL first (CREATE ROLE … LOGIN PASSWORD …)",
    "53300": "raise max_connections (or the role's CONNECTION LIMIT), or run fewer processes: each takes up to 34 "
    "connections for writing, and as many for long reads",
    "53100": "make room on the server's disk",
    "55000": "let the database accept connections (ALTER DATABASE … ALLOW_CONNECTIONS true)",
    "55P03": "another process holds the lock that every append takes, and pg_stat_activity says who: try again",
    "57P01": "start the server again: what runs goes on by itself",
    "57P02": "see the server's log, and start it again: what runs goes on by itself",
    "57P03": "wait until the server has started, or start it again: what runs goes on by itself",
}
_TRY_AGAIN: Final = "try again"
_LOG: Final = "the log's database"
_START: Final = "start the server there, or correct host and port in the URL; what runs goes on by itself"
# What the driver or the system found, what to do: the first that fits counts.
_FOUND: Final[tuple[tuple[type[BaseException], str, str], ...]] = (
    (
        ssl.SSLError,
        "the TLS handshake failed",
        "compare KEYLEDGER_DATABASE_SSL and the certificates with what the server asks for",
    ),
    (socket.gaierror, "its host has no address", "correct the host in the URL, or mend the name service"),
    (ConnectionRefusedError, "connection refused, as nothing listens there", _START),
    (exc.TimeoutError, "all connections of this process are in use", _TRY_AGAIN),
    (TimeoutError, "no answer in time", "look whether the server is overloaded, or a firewall is between"),
    (ConnectionResetError, "the other side closed the connection", _START),
    (BrokenPipeError, "the other side closed the connection", _START),
    (asyncpg.PostgresConnectionError, "the other side closed the connection", _START),
    (FileNotFoundError, "there is no such socket", _START),
    (OSError, "it can't be reached", _START),
    (asyncpg.InterfaceError, "the connection can't be used any more", _TRY_AGAIN),
    (asyncpg.InternalClientError, "what answers there is no PostgreSQL", "correct host and port in the URL"),
)
# Classes of SQLSTATE whose words name parts of the database and quote no value of a row or a caller.
_QUOTED: Final = ("08", "25", "28", "3D", "3F", "40", "42", "53", "55", "57", "58")

# A table, a schema or a column is not there: `migrate` makes them.
_NOT_MIGRATED: Final = frozenset({"42P01", "3F000", "42703"})


def place_of(parts: URL | Mapping[str, Any]) -> str:
    """Where a URL, or the arguments of a connection, lead: host, port, database and user."""
    if isinstance(parts, URL):
        parts = {**parts.query, **{name: getattr(parts, name) for name in _PARTS if getattr(parts, name)}}
    host, port = parts.get("host") or "localhost", parts.get("port") or 5432
    where = f"the socket in {host}, port {port}" if str(host).startswith("/") else f"{host}:{port}"
    user = parts.get("user") or parts.get("username")
    return f"PostgreSQL at {where}, database {parts.get('database')}" + (f", user {user}" if user else "")


_PARTS: Final = ("host", "port", "database", "username")
_ROOTS: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)


def away(error: BaseException, parts: URL | Mapping[str, Any] | None = None) -> DatabaseAway:
    """The error that says all of it, for the drivers' one."""
    return DatabaseAway(f"{_LOG if parts is None else place_of(parts)}: {said(error)}")


def said(error: BaseException) -> str:
    """What the server said, or what the driver or the system found, and what to do."""
    return "; ".join(_words(_root(error)))


def sqlstate_of(error: BaseException) -> str | None:
    """The server's code, where the server said something."""
    return getattr(_root(error), "sqlstate", None)


def is_not_migrated(error: BaseException) -> bool:
    """Whether the server lacks what `keyledger migrate` makes."""
    return sqlstate_of(error) in _NOT_MIGRATED


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        # The dialect wraps the driver's own error twice, and only the innermost has the code.
        inner = getattr(seen, "orig", None)
        seen = inner if isinstance(inner, BaseException) else seen.__cause__


def _root(error: BaseException) -> BaseException:
    """The driver's or the system's own error."""
    found = [one for one in _chain(error) if isinstance(one, _ROOTS)]
    return found[0] if found else error


def _words(cause: BaseException) -> tuple[str, str]:
    if isinstance(cause, asyncpg.PostgresError) and cause.severity is not None:
        code = cause.sqlstate or ""
        words = repr(str(cause.args[0])) if code.startswith(_QUOTED) else type(cause).__name__
        return f"the server said {words} ({code})", _FIXES.get(code, _TRY_AGAIN)
    for kind, words, fix in _FOUND:
        if isinstance(cause, kind):
            reason = getattr(cause, "reason", None) or type(cause).__name__
            return f"{words} ({reason})" if isinstance(cause, ssl.SSLError) else words, fix
    return type(cause).__name__, _TRY_AGAIN
