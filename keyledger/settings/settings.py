"""Settings: read once from the environment, all faults reported together, secrets never shown."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from keyledger.settings.conflicts import conflicts
from keyledger.settings.errors import SettingsError
from keyledger.settings.names import PREFIX, variable
from keyledger.settings.tls import Tls
from keyledger.settings.values import (
    CertificateFile,
    ClaimName,
    ClickHouseUrl,
    DatabaseSsl,
    DisplayName,
    HeaderText,
    Identifier,
    Issuer,
    KafkaName,
    KafkaProtocol,
    KafkaServers,
    KeyFile,
    ListenAddress,
    MetricsUrls,
    Origin,
    Origins,
    PartNames,
    PostgresUrl,
    Roles,
    TagName,
)

# Read by the tests alone.
_FOREIGN_PREFIX: Final = "KEYLEDGER_TEST_"
_HIDDEN: Final = "(hidden)"


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
        170.0,
        ge=1,
        le=1_000_000,
        description="How fast all keys are compared with the gateway's table, repeatedly.",
    )
    gateway_wait_s: float = Field(
        2.0,
        ge=0,
        le=60,
        description="Longest wait of a new secret's answer for the gateway's table, in a database of its own.",
    )
    gateway_metrics_url: MetricsUrls | None = Field(
        None,
        description="The gateway's /metrics, of every process of it, with commas between: finds rows that it lost.",
    )
    gateway_metrics_key: HeaderText | None = Field(None, repr=False, description="A key of it, to read them.")
    gateway_lost_percent: float = Field(
        5.0, ge=0, le=100, description="How many of those that it counts may have no row: some fail, and have none."
    )
    clickhouse_url: ClickHouseUrl | None = Field(
        None, repr=False, description="ClickHouse: http(s)://user:password@host:port, or chdb:///path."
    )
    clickhouse_database: Identifier = Field("keyledger", description="Keyledger's database in ClickHouse.")
    gateway_clickhouse_database: Identifier = Field("tensorzero", description="The gateway's database in ClickHouse.")
    clickhouse_cluster: Identifier | None = Field(
        None, description="The ClickHouse cluster that objects are made on, with ON CLUSTER; none when not set."
    )
    usage_anchor_s: float = Field(
        300.0,
        ge=0.05,
        le=86_400,
        description="How often at least, while usage comes, what is collected of it is anchored in the log.",
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
        None, description="Kafka's bootstrap servers: host:port, several with commas between."
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
    lag_alarm_s: float = Field(
        30.0,
        gt=0,
        le=86_400,
        description="How old the oldest event may be that ClickHouse, the topic or the gateway's table does not have.",
    )
    part_missing_s: float = Field(
        30.0, ge=1, le=86_400, description="How long a part may give no sign of life before it is an alarm."
    )
    part_forget_s: float = Field(
        3600.0,
        ge=1,
        le=31_536_000,
        description="How long one that ended without a word is an alarm while another of its kind runs.",
    )
    parts_expected: PartNames | None = Field(
        None,
        description="Parts that must run: serve, projector, collector, relay, sync, sender, with commas between; when "
        "not set, those that have run and were not stopped.",
    )
    data: Path | None = Field(
        None, description="The data folder of the embedded default: ./keyledger-data when not set."
    )
    disk_free_min_mib: int = Field(
        256, ge=0, le=1_000_000, description="MiB that must be free on the data folder's disk, to start and to write."
    )
    clock_step_back_ms: int = Field(
        5000,
        ge=0,
        le=3_600_000,
        description="Refuse all but stops while the database's clock is further behind the log.",
    )
    clock_ahead_ms: int = Field(
        60_000, ge=1000, le=86_400_000, description="Refuse all but stops while the database's clock is further ahead."
    )
    append_batch: int = Field(256, ge=1, le=10_000, description="Writes in one transaction, at most.")
    append_queue: int = Field(10_000, ge=1, le=1_000_000, description="Writes that wait; more are answered with 503.")
    lock_timeout_s: float = Field(5.0, gt=0, le=600, description="Longest wait for the lock of the log.")
    statement_timeout_s: float = Field(30.0, gt=0, le=3600, description="Longest statement of an append.")
    bill_lines_max: int = Field(100_000, ge=1, le=10_000_000, description="Lines of a bill, at most.")
    bill_timeout_s: int = Field(300, ge=1, le=86_400, description="Seconds that a statement of a bill may take.")
    bill_memory_mib: int = Field(8192, ge=64, le=16_777_216, description="MiB of memory that it may take.")
    focus_issuer: DisplayName = Field(
        "Keyledger", description="Who issues the invoices and provides the service, in exports for FOCUS."
    )
    focus_sub_account_tag: TagName = Field(
        "customer_id", description="The tag whose value is the SubAccountId of exports for FOCUS."
    )
    focus_sub_account_name_tag: TagName | None = Field(
        None, description="The tag whose value is the SubAccountName; the SubAccountId when not set."
    )
    http_connections_max: int = Field(4096, ge=16, le=1_000_000, description="Connections at once, on each socket.")
    http_connections_of_peer_max: int = Field(
        1024, ge=1, le=1_000_000, description="Of them from one address; as many for a proxy in front."
    )
    bad_tokens_per_minute: int = Field(
        200,
        ge=1,
        le=1_000_000,
        description="Admin tokens that are none, from one address in a minute; more get 429.",
    )
    http_origins: Origins | None = Field(
        None,
        description="Origins whose pages may read answers in a browser (CORS), with commas between; none when not set.",
    )
    console_url: Origin | None = Field(
        None,
        description="Where browsers reach the console, as https://keyledger.example: log-ins at a provider come back "
        "to it; where `up` listens when not set.",
    )
    openid_issuer: Issuer | None = Field(
        None, description="The OpenID Connect provider that people log in to the console at; none when not set."
    )
    openid_client_id: HeaderText | None = Field(None, description="What the provider calls Keyledger.")
    openid_client_secret: HeaderText | None = Field(
        None, repr=False, description="Its secret there; none for a public client."
    )
    openid_roles: Roles | None = Field(
        None,
        description='Which admin token a role stands for, the first that somebody has: {"finance": "<token id>"}.',
    )
    openid_scopes: str = Field(
        "openid profile email",
        pattern=r"^openid( [!-~]+)*$",
        max_length=1000,
        description="What the provider is asked for; some need a scope for roles.",
    )
    openid_roles_claim: ClaimName = Field(
        "groups", description="The claim with the roles of a person; dots lead into it, as realm_access.roles."
    )
    openid_person_claim: ClaimName = Field(
        "email", description="The claim that says who a person is: events have it in `on_behalf_of`."
    )
    webhook_allow_private: bool = Field(
        False,
        description="Let webhooks lead to addresses that are not public: of this machine and its networks.",
    )
    webhook_timeout_s: float = Field(
        15.0, ge=0.1, le=300, description="How long a webhook's receiver has to answer; then the delivery failed."
    )
    webhook_first_pause_s: float = Field(
        5.0,
        ge=0.01,
        le=3600,
        description="Pause before a failed delivery is repeated; it doubles each time, up to three hours.",
    )
    webhook_give_up_s: float = Field(
        259_200.0, ge=0.01, le=31_536_000, description="How long a delivery is repeated before it is dead: three days."
    )
    forward_auth_port: int | None = Field(
        None,
        ge=0,
        le=65_535,
        description="Port of the listener that says to proxies whether an API key works; 0 takes a free one, none when "
        "not set.",
    )
    forward_auth_host: ListenAddress = Field(
        "127.0.0.1", description="Address it listens on: it asks for no token, so only proxies may reach it."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="What is logged, to stderr.")
    log_format: Literal["text", "json"] = Field(
        "text", description="How: lines for people, or a JSON object a line; never more than a line an event."
    )

    @classmethod
    def read(cls) -> Self:
        """The settings of the environment. Raises SettingsError, which names every wrong or unknown variable."""
        known = {variable(name) for name in cls.model_fields}
        given = {name for name in os.environ if name.startswith(PREFIX) and not name.startswith(_FOREIGN_PREFIX)}
        faults = [f"{name} is not known: look for a misspelling" for name in sorted(given - known)]
        wrong: dict[str, Any] = {}
        try:
            settings = cls()
        except ValidationError as error:
            for one in error.errors():
                name = str(one["loc"][0])
                wrong[name] = cls.model_fields[name].default
                faults.append(f"{variable(name)}: {_words(one['msg'])}")
        if wrong:  # what the others say together is reported all the same
            settings = cls(**wrong)
        for names, words in conflicts(settings):
            if wrong.keys().isdisjoint(names):
                faults.append(f"{variable(names[0])}: {words}")
        if faults:
            raise SettingsError("\n".join(["settings are wrong:", *faults]))
        return settings

    def tls(self, of: Literal["kafka", "database", "clickhouse"]) -> Tls:
        """The TLS files that are set for one kind of connection."""
        ca_file, cert_file, key_file = (getattr(self, f"{of}_{one}_file") for one in ("ca", "cert", "key"))
        return Tls(ca_file, cert_file, key_file, self.kafka_key_password if of == "kafka" else None)

    def require(self, *names: str) -> tuple[str, ...]:
        """The values of settings that a command can't do without. Raises SettingsError, naming all that are missing."""
        missing = [variable(name) for name in names if getattr(self, name) is None]
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
                    "name": variable(name),
                    "value": _HIDDEN if secret else "" if value is None else str(value),
                    "default": default,
                    "meaning": about.description or "",
                }
            )
        return rows


def _words(message: str) -> str:
    return message.removeprefix("Value error, ")
