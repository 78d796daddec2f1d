"""Callers that leave in the middle, and those that send no HTTP, leave a line or two: no traces, no full disk."""

from __future__ import annotations

import asyncio
import socket
import struct
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.processes.initialised import InitialisedFolder
from tests.support.processes.log_lines import assert_quiet

STREAMS = ("/audit/verify?wait_s=0", "/audit/export", "/audit/diff?known_at=1&known_at=2", "/admin/api-keys")


async def drop(url: str, sent: bytes, *, after: int) -> None:
    """Send, read so many bytes of the answer, and reset the connection."""
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    writer.write(sent)
    await writer.drain()
    if after:
        await reader.read(after)
    # Closing sends a reset instead of waiting for what is still to be read.
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.close()


async def test_dropped_streams_and_garbage_leave_one_line_each_and_no_trace(
    tmp_path: Path, initialised: InitialisedFolder
) -> None:
    process = await initialised.registry(tmp_path / "data")
    await process.start()
    async with process.portal() as portal:
        await asyncio.gather(*(portal.create({"customer_id": f"c{number}"}) for number in range(50)))
        token = (process.folder / "admin-token").read_text().strip()
        head = f" HTTP/1.1\r\nHost: keyledger\r\nAuthorization: Bearer {token}\r\n\r\n"
        for after in (0, 1, 300):
            for path in STREAMS:
                sent = f"GET {path}{head}".encode()
                await asyncio.gather(*(drop(process.url, sent, after=after) for _ in range(10)))
        for _ in range(100):
            await drop(process.url, b"no HTTP at all\r\n\r\n", after=100)
        await portal.create({"customer_id": "after"})
    assert await process.stop() == 0
    found = assert_quiet(process.log)
    # A copied folder is at another place, so that its views are made again, with a line for each.
    rest = {line: count for line, count in found.items() if "embedded.definitions" not in line}
    assert sum(rest.values()) <= 3, rest
