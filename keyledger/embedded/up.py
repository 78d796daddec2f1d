"""`keyledger up`: everything in one process on loopback, its data in one folder."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from keyledger.embedded.errors import PostgresNotStarted
from keyledger.embedded.folder import DataFolder
from keyledger.embedded.gateway_port import choose_port, keep_port
from keyledger.embedded.mending import mending
from keyledger.embedded.operator_socket import bind_unix_socket
from keyledger.embedded.private_file import write_private
from keyledger.embedded.stack import Stack, open_stack
from keyledger.http.app import operator_app, public_app
from keyledger.runtime.diagnostics.connected import log_services
from keyledger.runtime.serving.forward_auth import forward_auth_listener, forward_auth_socket
from keyledger.runtime.serving.server import Apps, bind_tcp, connection_bounds, serving, stop_on_signal
from keyledger.runtime.watching.heart import beating
from keyledger.runtime.watching.sweeping import sweeping
from keyledger.settings import Settings
from registry.auth import OPERATOR
from registry.keys.secrets import issue_token
from registry.log.event_log import Caller
from registry.tokens.service import NewToken
from registry.tokens.state import SCOPES
from registry.verify.known_keys import following

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"


async def up(
    folder: DataFolder,
    port: int,
    feed: str,
    settings: Settings,
    say: Callable[[str], None],
    *,
    gateway: bool = False,
    postgres_port: int | None = None,
) -> None:
    """Run until SIGINT or SIGTERM, projecting from the log's tail or, with the feed `kafka`, through a topic.

    `gateway`: see `open_stack`; the gateway comes by `postgres_port`. `say` gets the lines for the person; `ready
    http://…` when requests are taken.

    Raises FolderInUse for a second one on the folder, another EmbeddedError, or OSError when the port is taken.
    """
    stop = stop_on_signal()
    with folder, bind_tcp(HOST, port) as tcp, forward_auth_socket(settings) as for_proxies:
        opened = choose_port(folder.postgres, postgres_port, gateway=gateway)
        async with open_stack(folder, settings, feed, gateway=gateway, postgres_port=opened) as stack:
            keep_port(folder.postgres, stack.postgres.port, gateway=gateway)
            if (warning := stack.postgres.account_warning) is not None:
                logger.warning(warning)
            if await first_token(folder.admin_token, stack):
                logger.info("the first admin token is in %s", folder.admin_token)
            operator = bind_unix_socket(folder)
            services = stack.services
            await log_services(services)
            public = public_app(services, stack.failure)
            origin = f"http://{HOST}:{tcp.getsockname()[1]}"
            apps: Apps = [(public, tcp), (operator_app(services, stack.failure, origin), operator)]
            apps += forward_auth_listener(for_proxies, services.registry.known_keys, public.state.gauges.registry)
            async with (
                beating(services.registry, stack.followers, serves=True),
                sweeping(services.registry.kept_answers, services.registry.sessions),
                mending(services),
                services.registry.gate.last_use.writing(),
                following(services.registry.known_keys),
                serving(apps, connection_bounds(settings)),
            ):
                say(f"ready {origin}")
                ends = {asyncio.create_task(stack.watch()), asyncio.create_task(stop.wait())}
                _, running = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
                for end in running:
                    end.cancel()
            folder.operator_socket.unlink(missing_ok=True)
            if not stop.is_set():
                raise PostgresNotStarted(f"PostgreSQL ended by itself: {folder.postgres / 'postgres.log'} may say why.")


async def first_token(path: Path, stack: Stack) -> bool:
    """On a new folder, make the first admin token, with every scope, and write it where only its owner can read it."""
    registry = stack.services.registry
    if await registry.queries.tokens():
        return False
    issued = issue_token()
    # The file first: a kill between the two leaves a file that the next start replaces, not a token that nobody has.
    await asyncio.to_thread(write_private, path, issued.text + "\n")
    await registry.tokens.create(NewToken("first admin token", SCOPES), Caller(OPERATOR), issued)
    return True
