"""Why Kafka can't be used: at which address, what the broker said or what was found, and what to do."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka.conn import create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnsupportedSaslMechanismError,
)

from registry.errors import BrokerAway

_ASK_S: Final = 3.0
_LONGEST: Final = 200
_PREFIX: Final = "KEYLEDGER_KAFKA_"
_START: Final = f"start the broker, or correct {_PREFIX}BOOTSTRAP_SERVERS; what runs goes on by itself"
_LOGIN: Final = f"correct {_PREFIX}SASL_USERNAME or {_PREFIX}SASL_PASSWORD"
_RIGHTS: Final = "grant the login read and write on the topics and the group (docs/kafka.md)"
# What was found, what to do: the first that fits counts. Where no words stand, the broker's own do.
_FOUND: Final[tuple[tuple[type[BaseException], str, str], ...]] = (
    (SaslAuthenticationFailed, "", _LOGIN),
    (AuthenticationFailedError, "", _LOGIN),
    (UnsupportedSaslMechanismError, "", f"set {_PREFIX}SASL_MECHANISM to one that the broker has"),
    (TopicAuthorizationFailedError, "", _RIGHTS),
    (GroupAuthorizationFailedError, "", _RIGHTS),
    (ClusterAuthorizationFailedError, "", _RIGHTS),
    (ssl.SSLCertVerificationError, "its certificate is not trusted", f"see {_PREFIX}CA_FILE and the host's name"),
    (ssl.SSLError, "TLS failed", f"compare {_PREFIX}SECURITY_PROTOCOL with what the broker's listener speaks"),
    (socket.gaierror, "its host has no address", f"correct {_PREFIX}BOOTSTRAP_SERVERS, or mend the name service"),
    (ConnectionRefusedError, "connection refused, as nothing listens there", _START),
    (TimeoutError, "no answer in time", "look whether the broker is overloaded, or a firewall is between"),
    (KafkaConnectionError, "the broker closed the connection", f"compare {_PREFIX}SECURITY_PROTOCOL with its listener"),
    (OSError, "the broker closed the connection", f"compare {_PREFIX}SECURITY_PROTOCOL with its listener"),
)
_ADVERTISED: Final = "the broker answers, and the addresses that it advertises may not be reachable from here"


@asynccontextmanager
async def broker(options: Mapping[str, Any]) -> AsyncIterator[None]:
    """Raise BrokerAway for the driver's errors inside the block."""
    try:
        yield
    except KafkaError as error:
        raise BrokerAway(await why(error, options)) from error


async def why(error: KafkaError, options: Mapping[str, Any]) -> str:
    """The whole sentence. A server that was not reached is asked once more: the driver keeps its reason for itself."""
    servers = str(options["bootstrap_servers"])
    if not isinstance(error, KafkaConnectionError):
        return f"Kafka at {servers}: {_words(error)}"
    for server in servers.split(","):
        found = await _reason(server, options)
        if found is None:
            return f"Kafka at {server}: {_ADVERTISED} ({type(error).__name__}); see advertised.listeners there"
    return f"Kafka at {servers}: {_words(found or error)}"


async def _reason(server: str, options: Mapping[str, Any]) -> BaseException | None:
    host, _, port = server.rpartition(":")
    given = {name: value for name, value in options.items() if name != "bootstrap_servers"}
    try:
        async with asyncio.timeout(_ASK_S):
            (await create_conn(host.strip("[]"), int(port), **given)).close()
    except (KafkaError, OSError, TimeoutError) as error:
        return error
    return None


def _words(error: BaseException) -> str:
    for kind, words, fix in _FOUND:
        if isinstance(error, kind):
            said = words or f"the broker said {str(error)[:_LONGEST]!r}"
            return f"{said} ({type(error).__name__}); {fix}"
    return f"{type(error).__name__}; try again"
