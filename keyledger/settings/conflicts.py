"""Settings that are right alone and wrong together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import parse_qs, urlsplit

from keyledger.settings.names import variable
from keyledger.settings.tls import Tls

if TYPE_CHECKING:  # it asks us when it is read
    from keyledger.settings.settings import Settings

# They come by settings of their own: in the URL they would win over those in silence.
_CLICKHOUSE_TLS_OPTIONS: Final = frozenset({"ca_cert", "client_cert", "client_cert_key", "tls_mode", "verify"})

# A fault of settings that are right alone: their names, that of the one to change first, and what to do.
Conflict = tuple[tuple[str, ...], str]


def conflicts(settings: Settings) -> Iterator[Conflict]:
    """All of them."""
    yield from _kafka_conflicts(settings)
    yield from _database_conflicts(settings)
    yield from _clickhouse_conflicts(settings)
    yield from _openid_conflicts(settings)
    for of in ("kafka", "database", "clickhouse"):
        yield from _tls_conflicts(settings, of)


def _kafka_conflicts(settings: Settings) -> Iterator[Conflict]:
    protocol = settings.kafka_security_protocol
    by_protocol = "KEYLEDGER_KAFKA_SECURITY_PROTOCOL"
    for name in ("kafka_sasl_username", "kafka_sasl_password"):
        given = getattr(settings, name) is not None
        if given and not protocol.startswith("SASL_"):
            yield (
                (name, "kafka_security_protocol"),
                f"unset it, or set {by_protocol} to SASL_SSL: {protocol} has no login",
            )
        if not given and protocol.startswith("SASL_"):
            yield (name, "kafka_security_protocol"), f"must be set, as {by_protocol} is {protocol}"
    if not protocol.endswith("SSL"):
        for name in _files(settings, "kafka"):
            yield (name, "kafka_security_protocol"), f"unset it, or set {by_protocol} to one with SSL"
    if settings.kafka_key_password is not None and settings.kafka_key_file is None:
        yield ("kafka_key_password", "kafka_key_file"), "unset it, or set KEYLEDGER_KAFKA_KEY_FILE: there is no key"


def _database_conflicts(settings: Settings) -> Iterator[Conflict]:
    mode = settings.database_ssl
    for name in _files(settings, "database"):
        if mode in {"disable", "prefer"}:
            fix = "unset it, or set KEYLEDGER_DATABASE_SSL to verify-full"
            yield (name, "database_ssl"), f"{fix}: {mode} does not promise TLS"
        elif mode == "require" and name == "database_ca_file":
            fix = "unset it, or set KEYLEDGER_DATABASE_SSL to verify-full or verify-ca"
            yield (name, "database_ssl"), f"{fix}: {mode} takes any certificate"


def _clickhouse_conflicts(settings: Settings) -> Iterator[Conflict]:
    if settings.clickhouse_url is None:
        return
    url = urlsplit(settings.clickhouse_url)
    given = _files(settings, "clickhouse")
    if url.scheme == "chdb" and settings.clickhouse_cluster is not None:
        fix = "unset it, or let KEYLEDGER_CLICKHOUSE_URL name a server"
        yield ("clickhouse_cluster", "clickhouse_url"), f"{fix}: the embedded engine is on no cluster"
    if url.scheme != "https":
        for name in given:
            yield (name, "clickhouse_url"), "unset it, or let KEYLEDGER_CLICKHOUSE_URL begin with https://"
    elif given and not _CLICKHOUSE_TLS_OPTIONS.isdisjoint(parse_qs(url.query)):
        yield ("clickhouse_url", *given), "must not have TLS options together with KEYLEDGER_CLICKHOUSE_…_FILE"
    if url.scheme == "https" and settings.clickhouse_cert_file is not None and not url.username:
        yield (
            ("clickhouse_url", "clickhouse_cert_file"),
            "must name the user whom the certificate is for: https://user@…",
        )


def _openid_conflicts(settings: Settings) -> Iterator[Conflict]:
    needed = ("openid_client_id", "openid_roles", "console_url")
    if settings.openid_issuer is not None:
        for name in needed:
            if getattr(settings, name) is None:
                yield (name, "openid_issuer"), "must be set, as KEYLEDGER_OPENID_ISSUER is"
        return
    for name in ("openid_client_id", "openid_client_secret", "openid_roles"):
        if getattr(settings, name) is not None:
            yield (name, "openid_issuer"), "unset it, or set KEYLEDGER_OPENID_ISSUER: there is no provider"


def _tls_conflicts(settings: Settings, of: Literal["kafka", "database", "clickhouse"]) -> Iterator[Conflict]:
    ca, cert, key = (f"{of}_{one}_file" for one in ("ca", "cert", "key"))
    tls = settings.tls(of)
    if (tls.cert_file is None) != (tls.key_file is None):
        missing, given = (key, cert) if tls.key_file is None else (cert, key)
        yield (missing, given), f"must be set with {variable(given)}: they are a pair"
    elif tls.ca_file is not None and not _loads(Tls(tls.ca_file)):
        yield (ca,), "the file has a certificate that can't be read"
    elif tls.cert_file is not None and not _loads(tls):
        encrypted = "its password is KEYLEDGER_KAFKA_KEY_PASSWORD" if of == "kafka" else "it must not be encrypted"
        yield (key, cert), f"the file must have the key of {variable(cert)}; {encrypted}"


def _files(settings: Settings, of: str) -> list[str]:
    names = [f"{of}_{one}_file" for one in ("ca", "cert", "key")]
    return [name for name in names if getattr(settings, name) is not None]


def _loads(tls: Tls) -> bool:
    try:
        tls.context()
    except OSError:  # of ssl, too
        return False
    return True
