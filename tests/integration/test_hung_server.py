"""A server that hangs in the middle of a transaction holds nobody up beyond the deadline: no rollback is waited for."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from gateways.errors import GatewayUnavailable
from gateways.tensorzero.key_table import GatewayTable
from registry.db.connection import fetch, make_engine
from registry.errors import Busy
from tests.support.gateway.key_table import make_table
from tests.support.servers.databases import Database
from tests.support.waiting import eventually

RUNNING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query = 'SELECT pg_sleep(60)'"


class Line:
    """What is between an engine and its server, until it is cut: then nothing comes through, and nothing ends."""

    def __init__(self, host: str, port: int) -> None:
        self._server = host, port
        self._cut = False
        self._writers: list[asyncio.StreamWriter] = []
        self._carrying: list[asyncio.Task[None]] = []

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Begin to carry one connection, both ways."""
        host, port = self._server
        if host.startswith("/"):
            there, to_there = await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        else:
            there, to_there = await asyncio.open_connection(host, port)
        self._writers += [writer, to_there]
        self._carrying += [asyncio.create_task(self._carry(*way)) for way in ((reader, to_there), (there, writer))]

    def cut(self) -> None:
        """From now on nothing comes through."""
        self._cut = True

    async def end(self) -> None:
        """Close all that is open."""
        for task in self._carrying:
            task.cancel()
        await asyncio.gather(*self._carrying, return_exceptions=True)
        for writer in self._writers:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65_536):
            if not self._cut:
                target.write(data)
                await target.drain()
        if not self._cut:
            target.close()


@asynccontextmanager
async def behind_a_line(database: Database) -> AsyncIterator[tuple[AsyncEngine, Line]]:
    """An engine whose server can be made to hang."""
    url = make_url(database.app_url)
    line = Line(url.host or url.query["host"], url.port or 5432)  # type: ignore[arg-type]  # one host
    server = await asyncio.start_server(line.connect, "127.0.0.1", 0)
    here = server.sockets[0].getsockname()[1]
    engine = make_engine(url.set(host="127.0.0.1", port=here, query={}).render_as_string(hide_password=False))
    try:
        yield engine, line
    finally:
        await engine.dispose()
        server.close()
        await line.end()


async def test_a_read_ends_at_its_deadline(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async with behind_a_line(database) as (engine, line), database.connect() as owner:
        monkeypatch.setattr("registry.db.connection.ANSWER_S", 2.0)
        reading = asyncio.create_task(fetch(engine, "SELECT pg_sleep(60)"))
        await eventually(lambda: owner.fetchval(RUNNING), bool, timeout_s=10)
        line.cut()
        async with asyncio.timeout(20):
            with pytest.raises(Busy, match="no answer in time"):
                await reading


async def test_a_write_of_the_gateway_s_table_ends_at_its_deadline(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_table(database)

    async def write() -> None:
        async with GatewayTable(engine).writing():
            line.cut()
            await asyncio.Event().wait()

    async with behind_a_line(database) as (engine, line):
        monkeypatch.setattr("gateways.tensorzero.key_table._ANSWER_S", 2.0)
        async with asyncio.timeout(20):
            with pytest.raises(GatewayUnavailable, match="no answer in time"):
                await write()
