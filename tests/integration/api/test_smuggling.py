"""No request hides in another one: what a proxy could read differently is refused, answered once, and closed."""

from __future__ import annotations

import asyncio
import json
import re

import pytest
from starlette.types import Receive, Scope, Send

from keyledger.runtime.serving.bounded_protocol import Bounds
from keyledger.runtime.serving.server import bind_tcp, serving
from tests.support.api.service import Api

FIRST = b"POST /first HTTP/1.1\r\nHost: keyledger\r\n"
SECOND = b"GET /second HTTP/1.1\r\nHost: keyledger\r\n\r\n"
CHUNKED = FIRST + b"Transfer-Encoding: chunked\r\n\r\n"
END = b"\r\n0\r\n\r\n"
# Each is followed by a second request.
REFUSED = {
    "two lengths": FIRST + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
    "one length twice": FIRST + b"Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd",
    "a list of lengths": FIRST + b"Content-Length: 4, 4\r\n\r\nabcd",
    "a length with a sign": FIRST + b"Content-Length: +4\r\n\r\nabcd",
    "a length below zero": FIRST + b"Content-Length: -4\r\n\r\nabcd",
    "a length in hexadecimal": FIRST + b"Content-Length: 0x4\r\n\r\nabcd",
    "a length beyond 64 bits": FIRST + b"Content-Length: 18446744073709551620\r\n\r\nabcd",
    "an empty length": FIRST + b"Content-Length: \r\n\r\nabcd",
    "a length in two words": FIRST + b"Content-Length: 4 4\r\n\r\nabcd",
    "a length, then chunks": FIRST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks, then a length": FIRST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "chunks twice": FIRST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks that are not the last coding": FIRST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "a coding that is not known": FIRST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a coding behind a control character": FIRST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "a blank before the colon": FIRST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a blank before the colon of a length": FIRST + b"Content-Length : 4\r\n\r\nabcd",
    "a blank before a name": FIRST + b" Content-Length: 4\r\n\r\nabcd",
    "a folded header": FIRST + b"X: a\r\n b\r\n\r\n",
    "a folded coding": FIRST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "line feeds alone": b"POST /first HTTP/1.1\nHost: keyledger\nContent-Length: 4\n\nabcd",
    "one line feed alone": FIRST + b"X: a\nContent-Length: 4\r\n\r\nabcd",
    "one carriage return alone": FIRST + b"X: a\rContent-Length: 4\r\n\r\nabcd",
    "NUL in a value": FIRST + b"X: a\x00b\r\n\r\n",
    "NUL in a name": FIRST + b"X\x00: a\r\n\r\n",
    "a chunk's extension with a line feed": CHUNKED + b"4;a\nx\r\nabcd" + END,
    "chunks by line feeds alone": CHUNKED + b"4\nabcd\n0\n\n",
    "a chunk below zero": CHUNKED + b"-4\r\nabcd" + END,
    "a chunk with 0x": CHUNKED + b"0x4\r\nabcd" + END,
    "a chunk beyond 64 bits": CHUNKED + b"10000000000000004\r\nabcd" + END,
    "a chunk's size with a blank": CHUNKED + b"4 \r\nabcd" + END,
    "a chunk longer than it says": CHUNKED + b"4\r\nabcdXX" + END,
    "a chunk shorter than it says": CHUNKED + b"5\r\nabcd" + END,
    "a length after the chunks": CHUNKED + b"0\r\nContent-Length: 9\r\n\r\n",
    "an authority as target": b"CONNECT evil:443 HTTP/1.1\r\nHost: keyledger\r\n\r\n",
    "a blank in the target": b"GET /fi rst HTTP/1.1\r\nHost: keyledger\r\n\r\n",
    "another version": b"GET /first HTTP/1.2\r\nHost: keyledger\r\n\r\n",
    "no version": b"GET /first\r\n",
    "HTTP/2's preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}
# What every reader takes the same way: two requests, and the body that the first one has.
TAKEN = {
    "a length": (FIRST + b"Content-Length: 4\r\n\r\nabcd", b"abcd"),
    "chunks": (CHUNKED + b"2\r\nab\r\n2\r\ncd" + END, b"abcd"),
    "a chunk's extension": (CHUNKED + b"4;name=value\r\nabcd" + END, b"abcd"),
    "a second request as body": (FIRST + b"Content-Length: %d\r\n\r\n" % len(SECOND) + SECOND, SECOND),
    "a second request as chunk": (CHUNKED + b"%x\r\n" % len(SECOND) + SECOND + END, SECOND),
    "an absolute target": (b"GET http://evil.example/first HTTP/1.1\r\nHost: keyledger\r\n\r\n", b""),
}


async def exchange(port: int, sent: bytes) -> bytes:
    """Everything that is answered until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    try:
        async with asyncio.timeout(5):
            return await reader.read()
    finally:
        writer.close()


def statuses(answered: bytes) -> list[int]:
    """The status of each answer."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answered)]


class Seen:
    """An app that keeps what it was asked, and answers."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, bytes]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message["body"]
            if not message["more_body"]:
                break
        else:
            return  # the caller is gone, or was refused
        self.requests.append((scope["path"], body))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})


@pytest.mark.parametrize("name", REFUSED)
async def test_what_can_be_read_two_ways_is_refused_once_and_nothing_after_it_is_read(name: str) -> None:
    seen, tcp = Seen(), bind_tcp("127.0.0.1", 0)
    async with serving([(seen, tcp)]):
        answered = await exchange(tcp.getsockname()[1], REFUSED[name] + SECOND)
    assert statuses(answered) == [400]
    assert seen.requests == []
    assert json.loads(answered.partition(b"\r\n\r\n")[2])["status"] == 400


@pytest.mark.parametrize("name", TAKEN)
async def test_a_body_is_never_read_as_a_request(name: str) -> None:
    sent, body = TAKEN[name]
    seen, tcp = Seen(), bind_tcp("127.0.0.1", 0)
    last = SECOND.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    async with serving([(seen, tcp)], Bounds(head_s=1, body_s=1)):
        answered = await exchange(tcp.getsockname()[1], sent + last)
    assert statuses(answered) == [200, 200]
    assert seen.requests == [("/first", body), ("/second", b"")]


@pytest.mark.parametrize("framing", ["length", "chunks"])
@pytest.mark.parametrize(("path", "status"), [("/admin/api-keys", 401), ("/nope", 404)])
async def test_a_request_in_a_body_that_nobody_reads_is_not_run(
    shared_api: Api, framing: str, path: str, status: int
) -> None:
    head = f"Host: keyledger\r\nAuthorization: {shared_api.bearer('admin')['Authorization']}\r\n"
    hidden = f"POST /admin/api-keys HTTP/1.1\r\n{head}Content-Length: 2\r\nContent-Type: application/json\r\n\r\n{{}}"
    outer = f"POST {path} HTTP/1.1\r\nHost: keyledger\r\nContent-Type: application/json\r\n"
    body = hidden.encode()
    if framing == "length":
        sent = f"{outer}Content-Length: {len(body)}\r\n\r\n".encode() + body
    else:
        sent = f"{outer}Transfer-Encoding: chunked\r\n\r\n{len(body):x}\r\n".encode() + body + END
    last = b"GET /healthz HTTP/1.1\r\nHost: keyledger\r\nConnection: close\r\n\r\n"
    tcp, before = bind_tcp("127.0.0.1", 0), await shared_api.head()
    async with serving([(shared_api.app, tcp)]):
        answered = await exchange(tcp.getsockname()[1], sent + last)
    assert statuses(answered) == [status, 200]
    assert await shared_api.head() == before, "the hidden request was run"
