"""The listener that proxies ask about API keys, where the settings name its port."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry

from keyledger.http.forward_auth.app import forward_auth_app
from keyledger.runtime.serving.server import Apps, bind_tcp
from keyledger.settings import Settings
from registry.verify.known_keys import KnownKeys

logger = logging.getLogger(__name__)


@contextmanager
def forward_auth_socket(settings: Settings) -> Iterator[socket.socket | None]:
    """The bound socket of the listener; None where the settings ask for none. Raises PortTaken."""
    if settings.forward_auth_port is None:
        yield None
        return
    with bind_tcp(settings.forward_auth_host, settings.forward_auth_port, "KEYLEDGER_FORWARD_AUTH_PORT") as bound:
        yield bound


def forward_auth_listener(bound: socket.socket | None, known_keys: KnownKeys, metrics: CollectorRegistry) -> Apps:
    """What is to be served on the socket: nothing where there is none. Says in the log where that is."""
    if bound is None:
        return []
    host, port = bound.getsockname()[:2]
    logger.info("proxies can ask about API keys at http://%s:%d", f"[{host}]" if ":" in host else host, port)
    return [(forward_auth_app(known_keys, metrics), bound)]
