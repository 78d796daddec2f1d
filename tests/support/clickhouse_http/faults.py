"""Faults on demand: answers that break off or are damaged, and requests that are held for a test to kill the server.

`POST /-/fault?kind=…&match=…` arms one for the next statement that contains the text; `GET /-/held` answers when a
statement is held.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import BinaryIO

KINDS = (
    "short_length",  # Content-Length says more than is sent
    "short_chunks",  # the last chunk never comes
    "bad_chunks",  # what should be the length of a chunk is none
    "short_frame",  # HTTP is in order, the compressed frame in it breaks off
    "bad_frame",  # HTTP is in order, the compressed frame in it is damaged
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


@dataclass(frozen=True, slots=True)
class Broken:
    """An answer as it is sent: headers that stand for the whole, and a body that does not."""

    headers: dict[str, str]
    body: bytes

    def write(self, out: BinaryIO) -> None:
        """Send the body; the connection is of no use after it."""
        out.write(self.body)
        out.flush()


def broken(kind: str, body: bytes, plain: bytes) -> Broken:
    """The answer for a fault, of the encoded and the plain body."""
    half = body[: len(body) // 2]
    match kind:
        case "short_length":
            return Broken({"Content-Length": str(len(body))}, half)
        case "short_chunks":
            return Broken({"Transfer-Encoding": "chunked"}, _chunk(half))
        case "bad_chunks":
            return Broken({"Transfer-Encoding": "chunked"}, _chunk(half) + b"no length\r\n" + half)
        case "short_frame":
            return Broken({"Content-Length": str(len(half))}, half)
        case "bad_frame":
            damaged = bytes(byte ^ 0xFF for byte in body)
            return Broken({"Content-Length": str(len(damaged))}, damaged)
        case "exception":
            sent = plain[: len(plain) // 2] + _EXCEPTION
            return Broken({"Transfer-Encoding": "chunked"}, _chunk(sent) + b"0\r\n\r\n")
        case _:
            marked = b"__exception__\r\n%s\r\n%s\n%d %s\r\n__exception__\r\n"
            sent = plain[: len(plain) // 2] + marked % (_TAG.encode(), _EXCEPTION, len(_EXCEPTION), _TAG.encode())
            headers = {"Transfer-Encoding": "chunked", "X-ClickHouse-Exception-Tag": _TAG}
            return Broken(headers, _chunk(sent) + b"0\r\n\r\n")


_EXCEPTION = b"Code: 241. DB::Exception: (total) memory limit exceeded. (MEMORY_LIMIT_EXCEEDED) (version 25.8.2.1)\n"


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)
