"""Nobody without a token can hold the server: connections, heads and bodies have limits and times."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from keyledger.runtime.serving.bounded_protocol import Bounds
from keyledger.runtime.serving.server import bind_tcp, serving

BOUNDS = Bounds(connections=20, of_peer=20, head_bytes=4096, head_s=0.5, body_s=0.5)
HEAD = b"POST / HTTP/1.1\r\nHost: keyledger\r\n"


async def length(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the length of the body."""
    assert scope["type"] == "http"
    size = 0
    while (message := await receive())["type"] == "http.request":
        size += len(message["body"])
        if not message["more_body"]:
            break
    body = str(size).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def server(**changed: Any) -> AsyncIterator[int]:
    """The port of a server with these bounds."""
    bounds = Bounds(**{**{name: getattr(BOUNDS, name) for name in BOUNDS.__slots__}, **changed})
    tcp = bind_tcp("127.0.0.1", 0)
    async with serving([(length, tcp)], bounds):
        yield tcp.getsockname()[1]


async def answer(port: int, *chunks: bytes) -> tuple[int, dict[str, Any] | None]:
    """The status that the server answers with before it closes, and its problem; 0 if it closes without an answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for chunk in chunks:
            writer.write(chunk)
            await writer.drain()
        async with asyncio.timeout(10):
            data = await reader.read()
    except ConnectionError:
        return 0, None
    finally:
        writer.close()
    head, _, body = data.partition(b"\r\n\r\n")
    if not head:
        return 0, None
    problem = json.loads(body) if b"application/problem+json" in head else None
    return int(head.split()[1]), problem


@pytest.mark.parametrize("sent", [[b""], [HEAD], [HEAD, b"X: y\r\n"]], ids=["nothing", "half a head", "two pieces"])
async def test_a_head_that_does_not_come_is_not_waited_for(sent: list[bytes]) -> None:
    async with server() as port:
        status, problem = await answer(port, *sent)
    assert status == (408 if sent != [b""] else 0)
    assert problem is None or problem["status"] == 408


async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    async with server() as port:
        status, _ = await answer(port, HEAD + b"Content-Length: 100\r\n\r\nhalf")
    assert status == 408


async def test_a_head_that_comes_drop_by_drop_has_one_time_for_all_of_it() -> None:
    async with server() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD)
        loop = asyncio.get_running_loop()
        began = loop.time()
        while not reader.at_eof() and loop.time() - began < 5:
            try:
                writer.write(b"X-Drop: 1\r\n")
                await writer.drain()
                await asyncio.wait_for(reader.read(1000), 0.05)
            except TimeoutError:
                continue
            except ConnectionError:
                break
        assert loop.time() - began < 5
        writer.close()


@pytest.mark.parametrize("line", [b"X: " + b"y" * 10_000, b"\r\n".join(b"X-%d: y" % n for n in range(1000))])
async def test_a_head_that_is_too_large_is_refused_where_it_comes_in(line: bytes) -> None:
    async with server() as port:
        status, problem = await answer(port, HEAD + line + b"\r\n\r\n")
    assert status == 431
    assert problem is not None
    assert "4096 bytes" in problem["detail"]


async def test_headers_after_a_body_are_not_kept_and_a_large_body_is_no_head() -> None:
    async with server(head_s=5, body_s=5) as port:
        chunked = (
            b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + b"2710\r\n" + b"z" * 10_000 + b"\r\n0\r\n"
        )
        assert (await answer(port, HEAD + chunked + b"X: y\r\n" * 10 + b"\r\n"))[0] == 200
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            for size in (0, 100_000, 10):  # one connection
                assert (await client.post("/", content=b"x" * size)).text == str(size)


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (b"GARBAGE\r\n\r\n", "Invalid method"),
        (b"SECRET / HTTP/1.1\r\nHost: x\r\n\r\n", "Invalid method"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nSECRET : b\r\n\r\n", "Invalid header token"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: SECRET\x00\r\n\r\n", "Invalid header value"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nSECRET\r\n", "chunk size"),
        (HEAD + b"Content-Length: SECRET\r\n\r\n", "Content-Length"),
        (b"CONNECT SECRET:443 HTTP/1.1\r\nHost: x\r\n\r\n", "target"),
        (b"GET /a#SECRET HTTP/1.1\r\nHost: x\r\n\r\n", "#"),
        (b"GET / HTTP/1.1\r\n\r\n", "Host is missing"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\nHost: x\r\n\r\n", "Host is given more than once"),
        (b"GET / HTTP/1.0\r\nHost: x\r\nHost: SECRET\r\n\r\n", "Host is given more than once"),
        (b"GET / HTTP/1.1\r\nHost: x/SECRET\r\n\r\n", "Host must be"),
        (b"GET / HTTP/1.1\r\nHost: x SECRET\r\n\r\n", "Host must be"),
    ],
)
async def test_what_the_parser_refuses_is_a_problem_that_says_why_and_quotes_nothing(sent: bytes, words: str) -> None:
    async with server() as port:
        status, problem = await answer(port, sent)
    assert status == 400
    assert problem is not None
    assert words in problem.pop("detail")
    assert problem == {"type": "urn:keyledger:problem:400", "title": "Bad Request", "status": 400, "errors": []}


@pytest.mark.parametrize(
    "head", [b"/ HTTP/1.0\r\n", *(b"/ HTTP/1.1\r\nHost:" + host + b"\r\n" for host in (b" [::1]:80", b" a.b:", b""))]
)
async def test_a_host_that_may_be_is_taken(head: bytes) -> None:
    async with server() as port:
        assert (await answer(port, b"POST " + head + b"Connection: close\r\nContent-Length: 0\r\n\r\n"))[0] == 200


async def test_a_refusal_is_never_taken_for_the_answer_that_an_earlier_request_waits_for() -> None:
    """A caller that pipelines would take its first request, which is done, for refused."""
    async with server(body_s=30) as port:
        for second in (b"GARBAGE\r\n\r\n", HEAD + b"Transfer-Encoding: chunked\r\n\r\nGARBAGE\r\n"):
            status, _ = await answer(port, HEAD + b"Content-Length: 2\r\n\r\nab" + second)
            assert status in {0, 200}, second


@pytest.mark.parametrize(
    ("changed", "words"), [({"connections": 5}, "Too many connections"), ({"of_peer": 5}, "Your address")]
)
async def test_more_connections_than_there_may_be_are_refused_and_later_ones_are_not(
    changed: dict[str, int], words: str
) -> None:
    async with server(head_s=30, **changed) as port:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(5)]
        status, problem = await answer(port)
        assert status == 503
        assert problem is not None
        assert words in problem["detail"]
        for _, writer in held:
            writer.close()
            await writer.wait_closed()
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"http://127.0.0.1:{port}/")).status_code == 200
