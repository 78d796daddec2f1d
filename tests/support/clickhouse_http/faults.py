"""Faults on demand: answers that break off or are damaged, and requests that are held for a test to kill the server.

`POST /-/fault?kind=…&match=…` arms one for the next statement that contains the text; `GET /-/held` answers when a
statement is held.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Protocol

import lz4.frame

KINDS = (
    "short_length",  # Content-Length says more than is sent
    "short_chunks",  # the last chunk never comes
    "bad_chunks",  # what should be the length of a chunk is none
    "short_frame",  # HTTP is in order, the lz4 frame in it breaks off between two blocks: only where lz4 is accepted
    "bad_frame",  # HTTP is in order, what is called an lz4 frame in it is none
    "page",  # a page of a proxy's in place of the answer, with status 200
    "exception",  # status 200, and an error in place of the second half
    "tagged_exception",  # the same as servers since 25.11 mark it
    "hold_before",  # the statement has arrived, and is never executed
    "hold_after",  # the statement was executed, and is never answered
)
_TAG = "abcdefghijklmnop"


class Faults:
    """What is armed, and whether a request is held. Safe for several threads."""

    def __init__(self) -> None:
        self._armed: list[tuple[str, bytes]] = []
        self._lock = threading.Lock()
        self._held = threading.Event()

    def arm(self, kind: str, match: str) -> None:
        """Break the next statement that contains the text."""
        if kind not in KINDS:
            raise ValueError(kind)
        with self._lock:
            self._armed.append((kind, match.encode()))

    def take(self, statement: bytes) -> str | None:
        """The fault for a statement, which is armed no longer."""
        with self._lock:
            for one in self._armed:
                if one[1] in statement:
                    self._armed.remove(one)
                    return one[0]
        return None

    def hold(self) -> None:
        """Never return."""
        self._held.set()
        threading.Event().wait()

    def wait_until_held(self) -> None:
        """Return when a request is held."""
        self._held.wait()


class Out(Protocol):
    """Where an answer goes."""

    def write(self, data: bytes, /) -> int:
        """Send it."""

    def flush(self) -> None:
        """Send it now."""


@dataclass(frozen=True, slots=True)
class Broken:
    """An answer as it is sent: headers that stand for the whole, and a body that does not."""

    headers: dict[str, str]
    body: bytes

    def write(self, out: Out) -> None:
        """Send the body; the connection is of no use after it."""
        out.write(self.body)
        out.flush()


def broken(kind: str, body: bytes, plain: bytes) -> Broken:
    """The answer for a fault, of the encoded and the plain body."""
    if kind in {"short_chunks", "bad_chunks", "exception", "tagged_exception"}:
        return _in_chunks(kind, body[: len(body) // 2], plain[: len(plain) // 2])
    headers: dict[str, str] = {}
    sent = plain
    match kind:
        case "short_length":
            return Broken({"Content-Length": str(len(body) + 1)}, body[: len(body) // 2])
        case "short_frame" if body != plain:
            sent = _unfinished_frame(plain[: len(plain) // 2])
        case "bad_frame":
            headers = {"Content-Encoding": "lz4"}
        case "page":
            sent = _PAGE
    return Broken(headers | {"Content-Length": str(len(sent))}, sent)


def _in_chunks(kind: str, half: bytes, plain_half: bytes) -> Broken:
    headers = {"Transfer-Encoding": "chunked"}
    match kind:
        case "short_chunks":
            sent = _chunk(half)
        case "bad_chunks":
            sent = _chunk(half) + b"no length\r\n" + half
        case "exception":
            sent = _chunk(plain_half + _EXCEPTION) + b"0\r\n\r\n"
        case _:
            headers["X-ClickHouse-Exception-Tag"] = _TAG
            marked = b"__exception__\r\n%s\r\n%s\n%d %s\r\n__exception__\r\n"
            tagged = marked % (_TAG.encode(), _EXCEPTION, len(_EXCEPTION), _TAG.encode())
            sent = _chunk(plain_half + tagged) + b"0\r\n\r\n"
    return Broken(headers, sent)


_PAGE = b"<html><head><title>Bad Gateway</title></head><body>Try again later.</body></html>"
_EXCEPTION = b"Code: 241. DB::Exception: (total) memory limit exceeded. (MEMORY_LIMIT_EXCEEDED) (version 25.8.2.1)\n"


def _unfinished_frame(data: bytes) -> bytes:
    frame = lz4.frame.LZ4FrameCompressor(auto_flush=True)
    return bytes(frame.begin() + frame.compress(data))


def _chunk(data: bytes) -> bytes:
    """No data is no chunk: one without length would be the last."""
    return b"%x\r\n%s\r\n" % (len(data), data) if data else b""
