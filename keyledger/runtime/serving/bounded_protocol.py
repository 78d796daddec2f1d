"""uvicorn's HTTP protocol with limits: nobody without a token can hold connections, or fill the memory with a head.

Bytes of a head are counted where they come in. A head and a body each have a time by which they must be here. What the
parser refuses, and a head that two readers could take for two hosts, is answered like everything else, as a problem
(RFC 9457).
"""

from __future__ import annotations

import asyncio
import re
import resource
import sys
from collections import Counter
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from keyledger.http.answer.problem import problem

# What the process needs of descriptors besides its connections: databases, files, logs.
_OTHER_DESCRIPTORS: Final = 256
# An address in brackets, or a name, and a port (RFC 9112, 3.2); it may be empty.
_HOST: Final = re.compile(rb"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(:[0-9]*)?")


class _BadHead(Exception):
    """The parser takes the head of a request, and we do not."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many connections there may be, in all and of one peer's address, and what a request may take."""

    connections: int = 4096
    of_peer: int = 1024
    head_bytes: int = 64 * 1024
    head_s: float = 10.0
    body_s: float = 60.0


def raise_descriptor_limit() -> int:
    """Let this process open as many files as it may; returns how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard if hard != resource.RLIM_INFINITY else 1 << 20


def bounds_within(bounds: Bounds, descriptors: int) -> Bounds:
    """The bounds with no more connections than leave descriptors for the rest of the process."""
    most = min(bounds.connections, max(16, descriptors - _OTHER_DESCRIPTORS))
    return replace(bounds, connections=most, of_peer=min(bounds.of_peer, most))


class BoundedProtocol(HttpToolsProtocol):
    """One connection. `peers` counts those of each address on the same socket."""

    def __init__(
        self,
        bounds: Bounds,
        peers: Counter[str],
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._bounds = bounds
        self._peers = peers
        self._head_left: int | None = bounds.head_bytes  # None: the head is here
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection if there is room."""
        super().connection_made(transport)
        self._peers[self._peer] += 1
        if (refused := self._refused()) is not None:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, refused)
        else:
            self._must_come_within(self._bounds.head_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """The peer or we have closed it."""
        self._stop_clock()
        self._peers[self._peer] -= 1
        if not self._peers[self._peer]:
            del self._peers[self._peer]
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what belongs to a head, and parse it all."""
        while data and not self.transport.is_closing():
            if self._head_left is None:
                super().data_received(data)
                return
            if self._deadline is None:
                self._must_come_within(self._bounds.head_s)
            some, data = data[: self._head_left], data[self._head_left :]
            self._head_left -= len(some)
            super().data_received(some)
            if self._head_left == 0 and not self.transport.is_closing():
                limit = f"The head of a request may have {self._bounds.head_bytes} bytes: this one has more."
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, limit)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header. What follows a body in chunks is not kept: nothing reads it."""
        if self._head_left is not None:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is here. Raises _BadHead, which ends the parser."""
        if (why := self._head_fault()) is not None:
            raise _BadHead(why)
        super().on_headers_complete()
        self._head_left = None
        self._must_come_within(self._bounds.body_s)

    def on_message_complete(self) -> None:
        """The request is here; what comes next is another head."""
        self._stop_clock()
        self._head_left = self._bounds.head_bytes
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """The parser refused what came in; uvicorn calls this where it has caught why."""
        self._refuse(HTTPStatus.BAD_REQUEST, _parser_words(sys.exception()) or msg)

    def _head_fault(self) -> str | None:
        hosts = [value for name, value in self.headers if name == b"host"]
        if not hosts and self.parser.get_http_version() != "1.0":
            return "The header Host is missing."
        if len(hosts) > 1:
            return "The header Host is given more than once."
        if hosts and _HOST.fullmatch(hosts[0]) is None:
            return "The header Host must be a host, and a port if it has one."
        if b"#" in self.url:
            return "The target has a #: what is behind it is never sent."
        return None

    def _refused(self) -> str | None:
        if len(self.connections) > self._bounds.connections:
            return "Too many connections are open: try again."
        if self._peers[self._peer] > self._bounds.of_peer:
            return "Your address has too many connections open: close some."
        return None

    @property
    def _peer(self) -> str:
        """The address of the other side; empty on a Unix socket."""
        return self.client[0] if self.client else ""

    def _must_come_within(self, seconds: float) -> None:
        self._stop_clock()
        self._deadline = self.loop.call_later(seconds, self._is_late)

    def _stop_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _is_late(self) -> None:
        if self._head_left == self._bounds.head_bytes:
            self.transport.close()  # nothing of a request is here that could be answered
        else:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, "The request did not come in within its time.")

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        if self.transport.is_closing():
            return
        self._stop_clock()
        if not self._may_answer():
            self.transport.close()  # a refusal would be taken for another request's answer, or a part of this one's
            return
        again = {"Retry-After": "1"} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
        answer = problem(status, detail, headers={**again, "Connection": "close"})
        lines = [STATUS_LINE[status], *(b"%s: %s\r\n" % header for header in answer.raw_headers), b"\r\n"]
        self.transport.write(b"".join(lines) + bytes(answer.body))
        self.transport.close()

    def _may_answer(self) -> bool:
        """Whether the next bytes to the peer are the answer to what is coming in."""
        if self._head_left is None:
            return not self.pipeline and not self.cycle.response_started  # what waits in line is the latest
        return self.cycle is None or self.cycle.response_complete  # earlier requests have theirs


def _parser_words(error: BaseException | None) -> str | None:
    """What is wrong, in the parser's words, which are its own constants, or in ours; never what was sent."""
    if isinstance(error, httptools.HttpParserCallbackError):
        ours = error.__context__
        return str(ours) if isinstance(ours, _BadHead) else "The target of the request can't be read."
    return f"The request is not HTTP: {error}." if isinstance(error, httptools.HttpParserError) else None
