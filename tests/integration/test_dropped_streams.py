"""A caller that leaves a long stream: the loop notices at each write until its next turn, and one line is logged."""

from __future__ import annotations

import asyncio
import io
import logging
import socket
import struct
from collections.abc import AsyncIterator

from prometheus_client import CollectorRegistry
from starlette.types import Receive, Scope, Send

from keyledger.http.answer.ndjson import Part, stream
from keyledger.http.middleware.guard import Guard
from keyledger.runtime.diagnostics.logs import HoldBackRepeats
from keyledger.runtime.serving.server import bind_tcp, serving

CALLERS = 5


class LongStreams:
    """Streams of many lines, each hundreds of them without giving up the loop's turn, and how many have ended."""

    def __init__(self) -> None:
        self.ended = 0
        self.all_ended = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await stream(self._lines(), 1)(scope, receive, send)
        finally:
            self.ended += 1
            if self.ended == CALLERS:
                self.all_ended.set()

    async def _lines(self) -> AsyncIterator[Part]:
        for number in range(20_000):
            if number % 1000 == 0:
                await asyncio.sleep(0)
            yield {"number": number, "text": "x" * 100}


async def leave(port: int) -> None:
    """Read the first bytes, and reset the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: keyledger\r\n\r\n")
    await reader.read(1000)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.close()


async def test_callers_that_leave_their_streams_are_a_line_not_thousands() -> None:
    written, streams, tcp = io.StringIO(), LongStreams(), bind_tcp("127.0.0.1", 0)
    handler = logging.StreamHandler(written)
    handler.setLevel(logging.WARNING)
    handler.addFilter(HoldBackRepeats())
    logging.getLogger().addHandler(handler)
    try:
        async with serving([(Guard(streams, CollectorRegistry()), tcp)]), asyncio.timeout(30):
            for _ in range(CALLERS):
                await leave(tcp.getsockname()[1])
            await streams.all_ended.wait()
    finally:
        logging.getLogger().removeHandler(handler)
    lines = written.getvalue().splitlines()
    assert len(lines) <= 1, f"{len(lines)} lines, such as {lines[:3]}"
