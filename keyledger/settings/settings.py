"""Settings: read once from the environment, all faults told together, secrets never shown."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import parse_qs, urlsplit

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "KEYLEDGER_"
# Read by the tests alone.
_FOREIGN_PREFIX = "KEYLEDGER_TEST_"
_HIDDEN = "(hidden)"
_SERVER: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})")
# They come by settings of their own: in the URL they would win over those in silence.
_CLICKHOUSE_TLS_OPTIONS: Final = frozenset({"ca_cert", "client_cert", "client_cert_key", "tls_mode", "verify"})


class SettingsError(Exception):
    """Settings are wrong: each fault on a line of its own, by the variable's name, without its value."""


def _postgres(url: str) -> str:
    """The URL with the driver that we use. Raises ValueError without quoting it: it may hold a password."""
    from sqlalchemy.engine import make_url  # noqa: PLC0415 - commands that need no database start without it
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415 - as above

    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ValueError("must be a URL, as postgresql://user:password@host:5432/database") from None
    if parsed.drivername not in {"postgresql", "postgres", "postgresql+asyncpg"} or not parsed.database:
        raise ValueError("must be a URL, as postgresql://user:password@host:5432/database")
    if any("ssl" in name for name in parsed.query):
        raise ValueError("must not have options of TLS: set KEYLEDGER_DATABASE_SSL instead")
    return parsed.set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)


def _clickhouse(url: str) -> str:
    if not url.startswith(("http://", "https://", "chdb:///")):
        raise ValueError("must be http(s)://user:password@host:8123, or chdb:///path for the embedded engine")
    return url


def _servers(value: str) -> str:
    servers = [one.strip() for one in value.split(",")]
    for one in servers:
        match = _SERVER.fullmatch(one)
        if match is None or not 0 < int(match[2]) < 65_536:
            raise ValueError("must be host:port, or several of them with commas between")
    return ",".join(servers)


def _topic(name: str) -> str:
    if name in {".", ".."}:
        raise ValueError("must have more than dots")
    return name


def _pem(what: str) -> Callable[[Path], Path]:
    def check(path: Path) -> Path:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ValueError(f"the file can't be read ({error.strerror})") from None
        if f"{what}-----".encode() not in content:
            raise ValueError(f"the file has no PEM of a {what.lower()} (-----BEGIN {what}-----)")
        return path

    return check


PostgresUrl = Annotated[str, AfterValidator(_postgres)]
ClickHouseUrl = Annotated[str, AfterValidator(_clickhouse)]
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]
KafkaServers = Annotated[str, AfterValidator(_servers)]
KafkaName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9._-]{1,200}$"), AfterValidator(_topic)]
CertificateFile = Annotated[Path, AfterValidator(_pem("CERTIFICATE"))]
KeyFile = Annotated[Path, AfterValidator(_pem("PRIVATE KEY"))]


@dataclass(frozen=True, slots=True)
class Tls:
    """The files of one connection's TLS, each of them optional; a certificate and its key come together."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    key_password: str | None = field(default=None, repr=False)

    def context(self) -> ssl.SSLContext:
        """A client's context, which checks certificate and host name by the CA file or the system's CAs.

        Raises ssl.SSLError where the files don't fit together.
        """
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.cert_file is not None:
            # Always a password, be it an empty one: OpenSSL would ask for it on the terminal.
            context.load_cert_chain(self.cert_file, self.key_file, password=self.key_password or "")
        return context


DatabaseSsl = Literal["disable", "prefer", "require", "verify-ca", "verify-full"]
KafkaProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]


class Settings(BaseSettings):
    """Every setting, as `KEYLEDGER_<NAME>`. Made by `Settings.read`. One with `repr=False` is a secret: never shown."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", env_ignore_empty=True)

    database_url: PostgresUrl | None = Field(
        None, repr=False, description="PostgreSQL of the log, as the application's role."
    )
    migration_database_url: PostgresUrl | None = Field(
        None,
        repr=False,
        description="The same database as its owner, for `keyledger migrate`; the former when not set.",
    )
    gateway_database_url: PostgresUrl | None = Field(
        None,
        repr=False,
        description="PostgreSQL of the gateway, whose table of keys is kept as the registry says; none when not set.",
    )
    gateway_schema: Identifier = Field("public", description="The schema of the gateway's table of keys.")
    gateway_reconcile_keys_per_s: float = Field(
        170.0, ge=1, le=1_000_000, description="How fast all keys are compared with the gateway's table, for ever."
    )
    clickhouse_url: ClickHouseUrl | None = Field(
        None, repr=False, description="ClickHouse: http(s)://user:password@host:port, or chdb:///path."
    )
    clickhouse_database: Identifier = Field("keyledger", description="Keyledger's database in ClickHouse.")
    gateway_clickhouse_database: Identifier = Field("tensorzero", description="The gateway's database in ClickHouse.")
    clickhouse_cluster: Identifier | None = Field(
        None, description="The ClickHouse cluster that objects are made on, with ON CLUSTER; none when not set."
    )
    clickhouse_ca_file: CertificateFile | None = Field(
        None, description="PEM of the CAs that ClickHouse's certificate is checked by; the system's when not set."
    )
    clickhouse_cert_file: CertificateFile | None = Field(
        None, description="PEM of our certificate for ClickHouse; without a password in the URL it is the login."
    )
    clickhouse_key_file: KeyFile | None = Field(None, description="PEM of that certificate's key, not encrypted.")
    database_ssl: DatabaseSsl = Field(
        "prefer", description="TLS to PostgreSQL, as libpq's sslmode. Only verify-full is safe on a foreign network."
    )
    database_ca_file: CertificateFile | None = Field(
        None, description="PEM of the CAs that PostgreSQL's certificate is checked by; the system's when not set."
    )
    database_cert_file: CertificateFile | None = Field(None, description="PEM of our certificate for PostgreSQL.")
    database_key_file: KeyFile | None = Field(None, description="PEM of that certificate's key, not encrypted.")
    kafka_bootstrap_servers: KafkaServers | None = Field(
        None, description="Kafka's brokers to begin with: host:port, several with commas between."
    )
    kafka_topic: KafkaName = Field("keyledger.events.v1", description="The topic of events; NAME.dlq has dead letters.")
    kafka_group: KafkaName = Field("keyledger-clickhouse", description="The consumer group of the projector.")
    kafka_partitions: int = Field(6, ge=1, le=1000, description="Partitions of the topic, when we make it.")
    kafka_replication: int | None = Field(
        None,
        ge=1,
        le=32_767,
        description="Replicas of the topic, when we make it; the broker's own default when not set.",
    )
    kafka_retention_hours: int = Field(
        168,
        ge=1,
        le=1_000_000,
        description="How long the topic keeps events: made with it, and checked for at least it.",
    )
    kafka_security_protocol: KafkaProtocol = Field(
        "PLAINTEXT", description="How brokers are reached: SSL is TLS, SASL a login."
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="How the login at Kafka is made. PLAIN sends the password: with SASL_SSL only."
    )
    kafka_sasl_username: str | None = Field(None, description="The login at Kafka.")
    kafka_sasl_password: str | None = Field(None, repr=False, description="Its password.")
    kafka_ca_file: CertificateFile | None = Field(
        None, description="PEM of the CAs that brokers' certificates are checked by; the system's when not set."
    )
    kafka_cert_file: CertificateFile | None = Field(None, description="PEM of our certificate for Kafka.")
    kafka_key_file: KeyFile | None = Field(None, description="PEM of that certificate's key.")
    kafka_key_password: str | None = Field(None, repr=False, description="The password of that key, where it has one.")
    dead_letters_max: int = Field(
        100, ge=0, le=1_000_000, description="Open dead letters beyond which the Kafka feed stops consuming."
    )
    hole_alarm_s: float = Field(
        30.0, gt=0, le=86_400, description="How long a hole in what is applied may stay open before it is an alarm."
    )
    data: Path | None = Field(
        None, description="The data folder of the embedded default: ./keyledger-data when not set."
    )
    clock_skew_ms: int = Field(0, ge=0, le=5000, description="How far in the future an effective_at may lie.")
    clock_step_back_ms: int = Field(
        5000, ge=0, le=3_600_000, description="Refuse appends while the database's clock is further behind the log."
    )
    append_batch: int = Field(256, ge=1, le=10_000, description="Writes in one transaction, at most.")
    append_queue: int = Field(10_000, ge=1, le=1_000_000, description="Writes that wait; more are answered with 503.")
    lock_timeout_s: float = Field(5.0, gt=0, le=600, description="Longest wait for the lock of the log.")
    statement_timeout_s: float = Field(30.0, gt=0, le=3600, description="Longest statement of an append.")
    bill_lines_max: int = Field(100_000, ge=1, le=10_000_000, description="Lines of a bill, at most.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="What is logged, to stderr.")

    @classmethod
    def read(cls) -> Self:
        """The settings of the environment. Raises SettingsError, which names every wrong or unknown variable."""
        known = {_variable(name) for name in cls.model_fields}
        given = {name for name in os.environ if name.startswith(PREFIX) and not name.startswith(_FOREIGN_PREFIX)}
        faults = [f"{name} is not known: look for a misspelling" for name in sorted(given - known)]
        wrong: dict[str, Any] = {}
        try:
            settings = cls()
        except ValidationError as error:
            for one in error.errors():
                name = str(one["loc"][0])
                wrong[name] = cls.model_fields[name].default
                faults.append(f"{_variable(name)}: {_words(one['msg'])}")
        if wrong:  # what the others say together is told all the same
            settings = cls(**wrong)
        for names, words in _conflicts(settings):
            if wrong.keys().isdisjoint(names):
                faults.append(f"{_variable(names[0])}: {words}")
        if faults:
            raise SettingsError("\n".join(["settings are wrong:", *faults]))
        return settings

    def tls(self, of: Literal["kafka", "database", "clickhouse"]) -> Tls:
        """The TLS files that are set for one kind of connection."""
        ca_file, cert_file, key_file = (getattr(self, f"{of}_{one}_file") for one in ("ca", "cert", "key"))
        return Tls(ca_file, cert_file, key_file, self.kafka_key_password if of == "kafka" else None)

    def require(self, *names: str) -> tuple[str, ...]:
        """The values of settings that a command can't do without. Raises SettingsError, naming all that are missing."""
        missing = [_variable(name) for name in names if getattr(self, name) is None]
        if missing:
            raise SettingsError(f"set {' and '.join(missing)}: `keyledger settings` says what each means")
        return tuple(getattr(self, name) for name in names)

    def describe(self) -> list[dict[str, str]]:
        """Every setting: `name`, `value`, `default`, `meaning`; of a secret that is set, only that it is."""
        rows = []
        for name, about in type(self).model_fields.items():
            value = getattr(self, name)
            secret = not about.repr and value is not None
            default = "" if about.default is None else str(about.default)
            rows.append(
                {
                    "name": _variable(name),
                    "value": _HIDDEN if secret else "" if value is None else str(value),
                    "default": default,
                    "meaning": about.description or "",
                }
            )
        return rows


def _words(message: str) -> str:
    return message.removeprefix("Value error, ")


def _variable(name: str) -> str:
    return f"{PREFIX}{name.upper()}"


# A fault of settings that are right alone: their names, that of the one to change first, and what to do.
_Conflict = tuple[tuple[str, ...], str]


def _conflicts(settings: Settings) -> Iterator[_Conflict]:
    yield from _kafka_conflicts(settings)
    yield from _database_conflicts(settings)
    yield from _clickhouse_conflicts(settings)
    for of in ("kafka", "database", "clickhouse"):
        yield from _tls_conflicts(settings, of)


def _kafka_conflicts(settings: Settings) -> Iterator[_Conflict]:
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


def _database_conflicts(settings: Settings) -> Iterator[_Conflict]:
    mode = settings.database_ssl
    for name in _files(settings, "database"):
        if mode in {"disable", "prefer"}:
            fix = "unset it, or set KEYLEDGER_DATABASE_SSL to verify-full"
            yield (name, "database_ssl"), f"{fix}: {mode} does not promise TLS"
        elif mode == "require" and name == "database_ca_file":
            fix = "unset it, or set KEYLEDGER_DATABASE_SSL to verify-full or verify-ca"
            yield (name, "database_ssl"), f"{fix}: {mode} takes any certificate"


def _clickhouse_conflicts(settings: Settings) -> Iterator[_Conflict]:
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
        yield ("clickhouse_url", *given), "must not have options of TLS beside KEYLEDGER_CLICKHOUSE_…_FILE"
    if url.scheme == "https" and settings.clickhouse_cert_file is not None and not url.username:
        yield (
            ("clickhouse_url", "clickhouse_cert_file"),
            "must name the user whom the certificate is for: https://user@…",
        )


def _tls_conflicts(settings: Settings, of: Literal["kafka", "database", "clickhouse"]) -> Iterator[_Conflict]:
    ca, cert, key = (f"{of}_{one}_file" for one in ("ca", "cert", "key"))
    tls = settings.tls(of)
    if (tls.cert_file is None) != (tls.key_file is None):
        missing, given = (key, cert) if tls.key_file is None else (cert, key)
        yield (missing, given), f"must be set with {_variable(given)}: they are a pair"
    elif tls.ca_file is not None and not _loads(Tls(tls.ca_file)):
        yield (ca,), "the file has a certificate that can't be read"
    elif tls.cert_file is not None and not _loads(tls):
        encrypted = "its password is KEYLEDGER_KAFKA_KEY_PASSWORD" if of == "kafka" else "it must not be encrypted"
        yield (key, cert), f"the file must have the key of {_variable(cert)}; {encrypted}"


def _files(settings: Settings, of: str) -> list[str]:
    names = [f"{of}_{one}_file" for one in ("ca", "cert", "key")]
    return [name for name in names if getattr(settings, name) is not None]


def _loads(tls: Tls) -> bool:
    try:
        tls.context()
    except OSError:  # of ssl, too
        return False
    return True
