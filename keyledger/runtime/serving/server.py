"""Runs apps on sockets until a signal, and stops them cleanly."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from keyledger.runtime.serving.bounded_protocol import BoundedProtocol, Bounds, bounds_within, raise_descriptor_limit
from keyledger.settings import Settings

logger = logging.getLogger(__name__)

Apps = list[tuple[ASGIApp, socket.socket]]

GRACE_S = 5
_STOPPING = "keyledger.stopping"
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class PortTaken(OSError):
    """The port can't be had."""


class _Server(uvicorn.Server):
    """A server that leaves signals to us: several run in one process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def bind_tcp(host: str, port: int, chosen_by: str = "--port") -> socket.socket:
    """A bound TCP socket; port 0 takes a free one. Raises PortTaken, which says what chooses another: `chosen_by`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named: else the event loop leaves Nagle's algorithm on, and every answer waits for the client's
    # delayed acknowledgement, 40 ms, between its head and its body.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        why = f"port {port} on {host} can't be had ({error.strerror}): choose another with {chosen_by}"
        raise PortTaken(why) from None
    return bound


def connection_bounds(settings: Settings) -> Bounds:
    """The bounds that the settings name."""
    return Bounds(settings.http_connections_max, settings.http_connections_of_peer_max)


def stop_on_signal() -> asyncio.Event:
    """An event that SIGINT and SIGTERM set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, stop.set)
    return stop


@asynccontextmanager
async def serving(apps: Sequence[tuple[ASGIApp, socket.socket]], bounds: Bounds | None = None) -> AsyncIterator[None]:
    """Serve each app on its bound socket, until the block ends; requests under way get GRACE_S to finish."""
    bounds, stopping = bounds_within(bounds or Bounds(), raise_descriptor_limit()), asyncio.Event()
    servers = [(_Server(_config(_knows(app, stopping), bounds)), bound) for app, bound in apps]
    tasks = [asyncio.create_task(server.serve(sockets=[bound])) for server, bound in servers]
    try:
        while not all(server.started for server, _ in servers):
            for task in tasks:
                if task.done():
                    task.result()
            await asyncio.sleep(0.005)
        yield
    finally:
        stopping.set()
        for server, _ in servers:
            server.should_exit = True
        await asyncio.gather(*tasks, return_exceptions=True)


def stopping_of(scope: Scope) -> asyncio.Event:
    """What is set when the server that serves a request stops: answers without an end of their own end then."""
    stopping: asyncio.Event = scope.get(_STOPPING) or asyncio.Event()
    return stopping


def _knows(app: ASGIApp, stopping: asyncio.Event) -> ASGIApp:
    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        scope[_STOPPING] = stopping
        await app(scope, receive, send)

    return served


def _config(app: ASGIApp, bounds: Bounds) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        access_log=False,
        log_config=None,
        lifespan="off",
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
        http=partial(BoundedProtocol, bounds, Counter()),  # type: ignore[arg-type]  # it is called as the class
        timeout_keep_alive=75,  # longer than proxies and clients keep theirs: who closes first must not be us
    )
