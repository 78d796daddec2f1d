"""Receivers by HTTP: one POST each, without redirects, proxies and cookies, within a time and a size."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, suppress
from functools import cached_property
from typing import Final

import httpcore

from keyledger.runtime.webhooks.connecting import CheckedBackend
from keyledger.runtime.webhooks.resolving import AddressRefused, Resolver
from registry.webhooks.addresses import REFUSED
from registry.webhooks.receiver import Reply
from registry.webhooks.url import Target, UrlRefused, target_of

# A creation does not wait long for a name server: each delivery asks again.
_CHECK_S: Final = 3.0
_ANSWER_BYTES: Final = 16 << 10
_CONNECTIONS: Final = 100
_IDLE: Final = 20
_IDLE_S: Final = 5.0
_USER_AGENT: Final = "Keyledger-Webhooks/1"
_RETRY_AFTER: Final = "retry-after"
_CAUSES: Final = 10
# Of an error and its causes the first that is one of these.
_FAULTS: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (socket.gaierror, "its host can't be resolved"),
    (ssl.SSLError, "TLS failed"),
    (ConnectionRefusedError, "it refuses connections"),
    (httpcore.TimeoutException, "there was no answer in time"),
    (httpcore.ReadError, "the connection ended without an answer that is HTTP"),
    (httpcore.ProtocolError, "the connection ended without an answer that is HTTP"),
)


class HttpReceiver:
    """See Receiver. With `allow_private` any address is taken. `tls` None is the system's trust."""

    def __init__(self, *, allow_private: bool, timeout_s: float, tls: ssl.SSLContext | None = None) -> None:
        self._allow_private = allow_private
        self._timeout_s = timeout_s
        self._tls = tls
        self._resolver = Resolver(allow_private=allow_private)

    async def check(self, url: str) -> None:
        """See Receiver."""
        target = target_of(url)
        if self._allow_private:
            return
        with suppress(OSError, TimeoutError):  # resolved again, and checked, at each delivery
            async with asyncio.timeout(_CHECK_S):
                try:
                    await self._resolver.addresses(target.host, target.port)
                except AddressRefused:
                    raise UrlRefused(REFUSED) from None

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """See Receiver. A status that came counts, whatever becomes of the rest of the answer."""
        reply: Reply | None = None
        try:
            target = target_of(url)
            async with asyncio.timeout(self._timeout_s), self._asked(target, headers, body) as answer:
                reply = _reply(answer.status, dict(answer.headers))
                # What it says is not kept: it is read, up to a limit, so that the connection can be used again.
                await _skip(answer)
        except TimeoutError:
            reply = reply or Reply(None, f"there was no answer within {self._timeout_s:g} s")
        except Exception as error:  # noqa: BLE001 - whatever it is, the delivery failed, and is tried again
            reply = reply or Reply(None, _words(error))
        return reply

    async def close(self) -> None:
        """Close all connections."""
        if "_pool" in vars(self):
            await self._pool.aclose()

    @cached_property
    def _pool(self) -> httpcore.AsyncConnectionPool:
        """Made when it is first used: to read what the system trusts takes a while."""
        return httpcore.AsyncConnectionPool(
            ssl_context=self._tls or ssl.create_default_context(),
            max_connections=_CONNECTIONS,
            max_keepalive_connections=_IDLE,
            keepalive_expiry=_IDLE_S,
            network_backend=CheckedBackend(self._resolver),
        )

    def _asked(
        self, target: Target, headers: Mapping[str, str], body: bytes
    ) -> AbstractAsyncContextManager[httpcore.Response]:
        url = httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
        named = {"host": target.authority, "user-agent": _USER_AGENT, "accept": "*/*", **headers}
        return self._pool.stream("POST", url, headers=list(named.items()), content=body)


def _reply(status: int, headers: Mapping[bytes, bytes]) -> Reply:
    if 200 <= status < 300:
        return Reply(status)
    redirected = "; redirects are not followed" if 300 <= status < 400 else ""
    asked = {name.lower(): value for name, value in headers.items()}.get(_RETRY_AFTER.encode())
    return Reply(status, f"it answered {status}{redirected}", None if asked is None else _seconds(asked))


async def _skip(answer: httpcore.Response) -> None:
    size = 0
    async for part in answer.aiter_stream():
        size += len(part)
        if size > _ANSWER_BYTES:
            return


def _seconds(value: bytes) -> float | None:
    """The seconds of a Retry-After; an instant in it is not taken: clocks differ."""
    return float(value) if value.isdigit() and len(value) < 10 else None


def _words(error: BaseException) -> str:
    """Why nothing came back, without what the other side said and without the URL."""
    causes = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None and len(causes) < _CAUSES:
        causes.append(cause)
    for one in causes:
        if isinstance(one, AddressRefused | UrlRefused):
            return f"its URL {one}"
        if isinstance(one, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {one.verify_message}"
    said = (words for one in causes for kind, words in _FAULTS if isinstance(one, kind))
    broken = isinstance(error, httpcore.NetworkError)
    return next(said, "it can't be reached" if broken else f"the request failed ({type(error).__name__})")
