"""Requests to receivers that are slow, broken or hostile: each ends in time, and in words that quote nothing."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trustme

from keyledger.runtime.webhooks.http_receiver import HttpReceiver
from registry.webhooks.receiver import Reply
from registry.webhooks.url import UrlRefused

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
BODY = b'{"specversion":"1.0"}'


@asynccontextmanager
async def talking(talk: Talk, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server that reads a request and then does as it likes; its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(len(BODY))
            await talk(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1]


def says(*parts: bytes, then_s: float = 0.0) -> Talk:
    """A server that answers so."""

    async def talk(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
        await asyncio.sleep(then_s)

    return talk


async def endless(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A server whose answer does not end."""
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
        await writer.drain()


async def headers_without_end(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A server whose headers do not end."""
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"x-more: " + b"x" * 1000 + b"\r\n")
        await writer.drain()


async def sent(talk: Talk, timeout_s: float = 5.0) -> Reply:
    """What comes of a request."""
    http = HttpReceiver(allow_private=True, timeout_s=timeout_s)
    async with talking(talk) as port:
        try:
            return await http.send(f"http://127.0.0.1:{port}/secret-path", {"webhook-id": "msg_1"}, BODY)
        finally:
            await http.close()


@pytest.mark.parametrize(
    ("talk", "status", "error"),
    [
        (says(OK), 200, None),
        (says(b"HTTP/1.1 204 No Content\r\n\r\n"), 204, None),
        (endless, 200, None),
        (says(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort"), 200, None),
        (says(b"HTTP/1.1 418 Teapot\r\ncontent-length: 0\r\n\r\n"), 418, "it answered 418"),
        (
            says(b"HTTP/1.1 307 Go\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n"),
            307,
            "it answered 307; redirects are not followed",
        ),
        (says(), None, "the connection ended without an answer that is HTTP"),
        (says(b"SSH-2.0-OpenSSH_9.2\r\n"), None, "the connection ended without an answer that is HTTP"),
        (headers_without_end, None, "the connection ended without an answer that is HTTP"),
    ],
    ids=["200", "204", "endless", "short", "418", "307", "nothing", "no http", "headers"],
)
async def test_every_answer_ends_in_a_status_or_in_words(talk: Talk, status: int | None, error: str | None) -> None:
    reply = await sent(talk)
    assert (reply.status, reply.error) == (status, error)


@pytest.mark.parametrize("talk", [says(then_s=30), says(b"HTTP/1.1 200 OK\r\n", then_s=30)], ids=["mute", "half"])
async def test_who_does_not_answer_is_not_waited_for(talk: Talk) -> None:
    assert await sent(talk, timeout_s=0.3) == Reply(None, "there was no answer within 0.3 s")


async def test_a_status_counts_also_where_the_rest_does_not_come_in_time() -> None:
    reply = await sent(says(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", then_s=30), timeout_s=1.0)
    assert reply == Reply(200)


@pytest.fixture
def portal(monkeypatch: pytest.MonkeyPatch) -> None:
    """`portal.example` is this machine."""
    resolve = socket.getaddrinfo

    def local(host: str, port: int, **options: Any) -> Any:
        return resolve("127.0.0.1" if host == "portal.example" else host, port, **options)

    monkeypatch.setattr("keyledger.runtime.webhooks.resolving.socket.getaddrinfo", local)


@pytest.mark.usefixtures("portal")
async def test_a_certificate_must_be_trusted_and_of_the_host_of_the_url() -> None:
    authority = trustme.CA()
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    outcomes = []
    for name, trusted in (("portal.example", trust), ("other.example", trust), ("portal.example", None)):
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(tls)
        http = HttpReceiver(allow_private=True, timeout_s=5, tls=trusted)
        async with talking(says(OK), tls) as port:
            outcomes.append((await http.send(f"https://portal.example:{port}/", {}, BODY)).error)
        await http.close()
    assert outcomes[0] is None
    assert str(outcomes[1]).startswith("its certificate is not trusted: Hostname mismatch")
    assert str(outcomes[2]).startswith("its certificate is not trusted: ")


async def test_environment_proxies_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert (await sent(says(OK))).status == 200


async def test_names_that_cannot_be_resolved_are_taken_and_fail_when_sent_to(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_asked: object, **_options: object) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "nobody")

    monkeypatch.setattr("keyledger.runtime.webhooks.resolving.socket.getaddrinfo", nobody)
    http = HttpReceiver(allow_private=False, timeout_s=5)
    await http.check("https://portal.example/")
    assert await http.send("https://portal.example/", {}, BODY) == Reply(None, "its host can't be resolved")
    with pytest.raises(UrlRefused):
        await http.check("https://user@portal.example/")
    await http.close()
