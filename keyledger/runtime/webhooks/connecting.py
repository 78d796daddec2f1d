"""Connections to receivers: a host is resolved once, and what was checked is what is connected to.

So no second answer of a name server can lead elsewhere. TLS is for the host that the URL names.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

import httpcore

from keyledger.runtime.webhooks.resolving import Resolver

# An address that does not answer is waited for so long, where there is another one.
_EACH_S: Final = 3.0


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Opens the connections of a pool."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address of the host that answers.

        Raises AddressRefused, OSError where the host has no address, and httpcore's errors.
        """
        *others, last = await self._resolver.addresses(host, port)
        for address in others:
            try:
                return await self._backend.connect_tcp(address, port, _EACH_S, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._backend.connect_tcp(last, port, timeout, local_address, socket_options)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - as above
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """No URL of a webhook leads to one."""
        raise NotImplementedError

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
