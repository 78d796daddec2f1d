"""A transaction pooler before PostgreSQL is found, and nothing else is taken for one.

The pooler here is a small one that speaks the wire protocol before the real server: sessions are logged in by clients
themselves, and then given to whoever begins a transaction.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from registry.db.connection import make_engine
from registry.db.pooler import probe
from registry.errors import Busy, PoolerFound
from tests.support.servers.databases import Database

_SSL_REQUEST = 80877103
_CANCEL_REQUEST = 80877102
_READY, _LOGIN, _TERMINATE = b"Z", b"R", b"X"
_CLIENT_S_TURN = {10, 11}  # of SASL: the mechanisms, the challenge


@dataclass(frozen=True, slots=True)
class Wire:
    """One side of a connection, message by message."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def startup(self) -> tuple[int, bytes]:
        """The first message, which has no kind: its code, and the whole of it."""
        head = await self.reader.readexactly(8)
        length, code = struct.unpack("!ii", head)
        return code, head + await self.reader.readexactly(length - 8)

    async def message(self) -> tuple[bytes, bytes]:
        """The next message: its kind, and the whole of it."""
        head = await self.reader.readexactly(5)
        return head[:1], head + await self.reader.readexactly(struct.unpack("!i", head[1:])[0] - 4)

    async def send(self, message: bytes) -> None:
        """Send a whole message."""
        self.writer.write(message)
        await self.writer.drain()


@dataclass
class Pooler:
    """A pooler with at most `size` sessions at the server, kept by a client for a transaction or `for_session`."""

    host: str
    port: int
    size: int
    idle: asyncio.Queue[Wire]
    for_session: bool = False
    opened: list[Wire] = field(default_factory=list)
    greeting: bytes = b""
    serving: set[asyncio.Task[None]] = field(default_factory=set)

    def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client until it leaves."""
        self.serving.add(asyncio.create_task(self._serve(reader, writer)))

    async def close(self) -> None:
        """Leave everybody."""
        for task in self.serving:
            task.cancel()
        await asyncio.gather(*self.serving, return_exceptions=True)
        for server in self.opened:
            server.writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = Wire(reader, writer)
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                code, startup = await client.startup()
                if code == _SSL_REQUEST:
                    await client.send(b"N")
                    code, startup = await client.startup()
                if code != _CANCEL_REQUEST:
                    await self._greet(client, startup)
                    await self._relay(client)
        finally:
            writer.close()

    async def _greet(self, client: Wire, startup: bytes) -> None:
        if len(self.opened) >= self.size:
            await client.send(self.greeting)
            return
        server = Wire(*await asyncio.open_connection(self.host, self.port))
        self.opened.append(server)
        await server.send(startup)
        said = []
        kind = b""
        while kind != _READY:
            kind, message = await server.message()
            await client.send(message)
            step = struct.unpack("!i", message[5:9])[0] if kind == _LOGIN else 0
            if step in _CLIENT_S_TURN:
                await server.send((await client.message())[1])
            elif step == 0:
                said.append(message)
        self.greeting = b"".join(said)
        self.idle.put_nowait(server)

    async def _relay(self, client: Wire) -> None:
        server: Wire | None = None
        answers: asyncio.Task[None] | None = None
        try:
            while (received := await client.message())[0] != _TERMINATE:
                if server is None or answers is None or answers.done():
                    server = await self.idle.get()
                    answers = asyncio.create_task(self._answer(server, client))
                await server.send(received[1])
        finally:
            if server is not None and answers is not None:
                kept = answers.cancel()
                await asyncio.gather(answers, return_exceptions=True)
                if kept:
                    await self._take_back(server)

    async def _answer(self, server: Wire, client: Wire) -> None:
        """Pass on what the server says, until it is in no transaction any more."""
        while True:
            kind, message = await server.message()
            between = kind == _READY and message[5:] == b"I" and not self.for_session
            if between:
                self.idle.put_nowait(server)
            await client.send(message)
            if between:
                return

    async def _take_back(self, server: Wire) -> None:
        """End what a client that left had begun, as poolers do."""
        for statement in (b"ROLLBACK\0", b"DISCARD ALL\0"):
            await server.send(b"Q" + struct.pack("!i", len(statement) + 4) + statement)
            while (await server.message())[0] != _READY:
                pass
        self.idle.put_nowait(server)


@asynccontextmanager
async def pooled(
    database: Database, size: int, idle: asyncio.Queue[Wire], *, session: bool = False
) -> AsyncIterator[str]:
    """The URL of a pooler before the database."""
    url = make_url(database.app_url)
    assert url.host is not None
    pooler = Pooler(url.host, url.port or 5432, size, idle, session)
    listening = await asyncio.start_server(pooler.serve, "127.0.0.1", 0)
    try:
        port = listening.sockets[0].getsockname()[1]
        yield url.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)
    finally:
        listening.close()
        await pooler.close()


async def test_a_database_without_a_pooler_passes_and_stays_usable(database: Database) -> None:
    engine = make_engine(database.app_url)
    for _ in range(3):
        await probe(engine)
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT current_setting('keyledger.probe', true)")) in {None, ""}
    await engine.dispose()


@pytest.mark.parametrize("size", [1, 2, 5])
@pytest.mark.parametrize("kind", [asyncio.LifoQueue, asyncio.Queue])
async def test_a_transaction_pooler_is_found(database: Database, size: int, kind: type[asyncio.Queue[Wire]]) -> None:
    """Whatever the number of its sessions, and whether it gives the last used or the next in turn."""
    async with pooled(database, size, kind()) as url:
        engine = make_engine(url)
        with pytest.raises(PoolerFound, match="straight to the server"):
            await probe(engine)
        await engine.dispose()


async def test_a_session_pooler_passes(database: Database) -> None:
    """A client has its session to itself for as long as it is connected."""
    async with pooled(database, 3, asyncio.Queue(), session=True) as url:
        engine = make_engine(url)
        await probe(engine)
        await engine.dispose()


async def test_a_pooler_that_is_behind_the_login_and_gives_no_session_is_busy_and_not_waited_for(
    database: Database,
) -> None:
    async with pooled(database, 1, asyncio.Queue(), session=True) as url:
        engine = make_engine(url)
        with pytest.raises(Busy):
            await probe(engine, timeout_s=1)
        await engine.dispose()
