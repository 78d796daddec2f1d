"""Why ClickHouse can't be used: where it is, as whom, what was found, and what to do. No password is in any of it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

_URL: Final = "KEYLEDGER_CLICKHOUSE_URL"
_LOGIN: Final = f"correct the user or the password in {_URL}"
# What to do, by the server's code.
_FIXES: Final[Mapping[int, str]] = {
    81: "run `keyledger ddl`, which makes what is missing",
    192: _LOGIN,
    193: _LOGIN,
    194: _LOGIN,
    497: f"give the user of {_URL} the right that it lacks",
    516: _LOGIN,
}
# What the system found, what to do: the first that fits counts.
_FOUND: Final[tuple[tuple[type[BaseException], str, str], ...]] = (
    (ssl.SSLError, "the TLS handshake failed", f"look whether https is spoken at the port in {_URL}"),
    (socket.gaierror, "its host has no address", f"correct the host in {_URL}, or mend the name service"),
    (ConnectionRefusedError, "connection refused, as nothing listens there", f"start it, or correct {_URL}"),
    (TimeoutError, "no answer in time", "look whether it is overloaded, or a firewall is between"),
    (OSError, "the connection broke", f"look at its log, or correct {_URL}"),
)


def cause_of(error: BaseException, dsn: str, code: int | None) -> str | None:
    """What is wrong with the server or the embedded engine; None where its code says all."""
    embedded = dsn.startswith("chdb:")
    if code is not None:
        return None if embedded or code not in _FIXES else f"{place_of(dsn)}: {_FIXES[code]}."
    if embedded:
        return f"{place_of(dsn)}: see that its folder can be written, and that no other process has it open."
    for one in chain(error):
        for kind, words, fix in _FOUND:
            if isinstance(one, kind):
                return f"{place_of(dsn)}: {words}{_tls_reason(one)}; {fix}."
    return f"{place_of(dsn)}."


def _tls_reason(error: BaseException) -> str:
    return f" ({getattr(error, 'reason', None) or type(error).__name__})" if isinstance(error, ssl.SSLError) else ""


def place_of(dsn: str) -> str:
    """Where the URL leads, and as whom."""
    if dsn.startswith("chdb:"):
        return f"The embedded engine in {dsn.removeprefix('chdb://')}"
    parts = urlsplit(dsn)
    at = f"ClickHouse at {parts.scheme}://{parts.hostname}:{parts.port or (8443 if parts.scheme == 'https' else 8123)}"
    return f"{at}, user {parts.username}" if parts.username else at


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and those inside it: the driver's HTTP client wraps what began it several times over."""
    while error is not None:
        yield error
        # Of some errors, `reason` is the one inside; of others, as those of TLS, it is a text.
        reason = getattr(error, "reason", None)
        error = error.__cause__ or (reason if isinstance(reason, BaseException) else None) or error.__context__
