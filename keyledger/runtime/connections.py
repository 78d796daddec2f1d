"""Settings into connections: what each driver gets of addresses, TLS and logins."""

from __future__ import annotations

from ssl import CERT_NONE, SSLContext
from typing import Any, Final
from urllib.parse import urlsplit

from sqlalchemy.ext.asyncio import AsyncEngine

from keyledger.settings import Settings
from projections.engine.client import ClickHouse, NoClickHouse
from projections.engine.ddl import Names
from registry.db.connection import make_engine

_CLIENT_ID = "keyledger"
# On top of the quorum of all replicas that `ClickHouse.insert` asks for. With it `event_applied` is written when every
# replica has the rows that it covers, so none can answer without them, however far behind it is. A majority with
# `select_sequential_consistency` would not do: that looks for a table's last part alone, and after the query has chosen
# the parts that it reads.
_ON_CLUSTER: Final = {
    "insert_quorum_parallel": 1,  # several projectors don't wait for each other
    "insert_quorum_timeout": 60_000,  # in ms; below the driver's own, so that the server says what is wrong
    "async_insert": 0,  # 1 is the default of newer servers; the quorum is to be of this very block
    "ignore_on_cluster_for_replicated_udf_queries": 1,  # functions that Keeper keeps are on every node without it
}


def database_engine(settings: Settings, url: str) -> AsyncEngine:
    """The pool on one of the settings' databases; nothing is opened yet."""
    return make_engine(url, ssl=database_ssl(settings))


def database_ssl(settings: Settings) -> SSLContext | str | None:
    """What `make_engine` and `migrate` take: for `prefer`, which promises nothing, the driver's own way."""
    mode = settings.database_ssl
    if mode == "prefer":
        return None
    if mode == "disable":
        return "disable"
    context = settings.tls("database").context()
    if mode != "verify-full":
        context.check_hostname = False
    if mode == "require":
        context.verify_mode = CERT_NONE
    return context


def clickhouse_client(
    settings: Settings, url: str | None, *, threads: int = 4, answer_s: float | None = None
) -> ClickHouse:
    """ClickHouse at the URL; the TLS of the settings is for https alone. Nothing is opened yet.

    A server that says nothing for `answer_s` is away; None leaves that to the driver, which waits for minutes.
    """
    if url is None:
        return NoClickHouse()
    options = _clickhouse_tls(settings, url)
    if answer_s is not None and not url.startswith("chdb:"):
        options |= {"connect_timeout": answer_s, "send_receive_timeout": answer_s}
    if settings.clickhouse_cluster is not None:
        options["settings"] = dict(_ON_CLUSTER)
    return ClickHouse(url, threads=threads, options=options, cluster=settings.clickhouse_cluster)


def clickhouse_names(settings: Settings) -> Names:
    """The databases, and the cluster that they are on."""
    return Names(
        settings.clickhouse_database, settings.gateway_clickhouse_database, cluster=settings.clickhouse_cluster
    )


def _clickhouse_tls(settings: Settings, url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    if parts.scheme != "https":
        return {}
    tls = settings.tls("clickhouse")
    files = {"ca_cert": tls.ca_file, "client_cert": tls.cert_file, "client_cert_key": tls.key_file}
    options: dict[str, Any] = {name: str(path) for name, path in files.items() if path is not None}
    if tls.cert_file is not None and parts.password:
        # Else the driver lets the certificate alone be the login, and forgets the password.
        options["tls_mode"] = "strict"
    return options


def kafka_options(settings: Settings) -> dict[str, Any]:
    """The arguments that aiokafka's producer, consumer and admin client have in common. Holds a password.

    Raises SettingsError where no broker is set.
    """
    (servers,) = settings.require("kafka_bootstrap_servers")
    protocol = settings.kafka_security_protocol
    options: dict[str, Any] = {
        "bootstrap_servers": servers,
        "client_id": _CLIENT_ID,
        "security_protocol": protocol,
    }
    if protocol.endswith("SSL"):
        options["ssl_context"] = settings.tls("kafka").context()
    if protocol.startswith("SASL_"):
        options |= {
            "sasl_mechanism": settings.kafka_sasl_mechanism,
            "sasl_plain_username": settings.kafka_sasl_username,
            "sasl_plain_password": settings.kafka_sasl_password,
        }
    return options
