"""TLS to ClickHouse that fails: whatever the way, the server is away, the projector goes on, and a reason is given."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from projections.errors import ClickHouseUnavailable
from projections.ledger.log_tail import LogTail
from projections.ledger.projector import Projector
from projections.ledger.store import Store
from registry.log.memory import MemoryEventLog

PLAIN = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
WAYS = ["plain", "closes", "untrusted", "expired", "another host"]


class Peer:
    """Who answers in a server's place, in one of the ways that fail; it counts who comes."""

    def __init__(self, way: str, ca: trustme.CA) -> None:
        self.way = way
        self.came = 0
        self.again = asyncio.Event()
        self.port = 0
        self._context = _context(way, ca)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.came += 1
        if self.came > 4:  # one call makes two connections, as the driver tries again itself
            self.again.set()
        try:
            if self._context is not None:
                await writer.start_tls(self._context)
            await reader.read(65_536)
            if self.way == "plain":
                writer.write(PLAIN)
                await writer.drain()
        except OSError:
            pass  # the client did not like the certificate
        finally:
            writer.close()


def _context(way: str, ca: trustme.CA) -> ssl.SSLContext | None:
    hour = timedelta(hours=1)
    match way:
        case "untrusted":
            cert = trustme.CA().issue_cert("127.0.0.1")
        case "expired":
            cert = ca.issue_cert(
                "127.0.0.1", not_before=datetime.now(UTC) - 2 * hour, not_after=datetime.now(UTC) - hour
            )
        case "another host":
            cert = ca.issue_cert("clickhouse.example")
        case _:
            return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    cert.configure_cert(context)
    return context


@asynccontextmanager
async def answering(way: str, ca: trustme.CA) -> AsyncIterator[Peer]:
    """The peer, on loopback."""
    peer = Peer(way, ca)
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    peer.port = server.sockets[0].getsockname()[1]
    try:
        yield peer
    finally:
        server.close()
        await server.wait_closed()


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def options(ca: trustme.CA, tmp_path: Path) -> dict[str, Any]:
    """The client's options: this CA alone is trusted."""
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return {"ca_cert": str(tmp_path / "ca.pem")}


@pytest.mark.parametrize(
    ("way", "says"),
    [
        ("plain", r"at https://127\.0\.0\.1:\d+.*: the TLS handshake failed \(WRONG_VERSION_NUMBER\)"),
        ("closes", r"at https://127\.0\.0\.1:\d+.*: the TLS handshake failed \(UNEXPECTED_EOF_WHILE_READING\)"),
        ("untrusted", r"not trusted \(.*issuer.*\).*KEYLEDGER_CLICKHOUSE_CA_FILE"),
        ("expired", r"not trusted \(certificate has expired\)"),
        ("another host", r"not trusted \(IP address mismatch.*\)"),
    ],
)
async def test_the_server_is_away_and_the_message_says_why(
    ca: trustme.CA, options: dict[str, Any], way: str, says: str
) -> None:
    async with answering(way, ca) as peer:
        client = ClickHouse(f"https://app:correct-horse@127.0.0.1:{peer.port}", options=options)
        with pytest.raises(ClickHouseUnavailable, match=says) as caught:
            await client.query("SELECT 1")
        await client.close()
    assert "correct-horse" not in str(caught.value)


@pytest.mark.parametrize("way", WAYS)
async def test_the_projector_tries_again(ca: trustme.CA, options: dict[str, Any], way: str) -> None:
    log = MemoryEventLog()
    async with answering(way, ca) as peer:
        client = ClickHouse(f"https://app@127.0.0.1:{peer.port}", options=options)
        projector = Projector(LogTail(log), Store(client, Names()), str(log.log_id))
        running = asyncio.create_task(projector.run())
        again = asyncio.create_task(peer.again.wait())
        async with asyncio.timeout(30):
            await asyncio.wait({running, again}, return_when=asyncio.FIRST_COMPLETED)
        assert not running.done(), running
        assert projector.failure is None
        running.cancel()
        again.cancel()
        await asyncio.gather(running, again, return_exceptions=True)
        await client.close()
