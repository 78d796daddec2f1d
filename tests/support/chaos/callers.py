"""Callers that close the connection in the middle."""

from __future__ import annotations

import asyncio
import contextlib
import json
from random import Random
from urllib.parse import quote, urlsplit

from tests.support.oracle.truth import SINCE, UNTIL

_BILL = f"/billing/usage?group_by=customer_id&since={SINCE}&until={UNTIL}"


async def leave(url: str, token: str, rng: Random, mark: str) -> None:
    """Begin a change, a bill or an audit and leave: after a part of the request, or before all of the answer."""
    address = urlsplit(url)
    request = _request(token, rng, mark)
    try:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
    except OSError:
        return  # there is nobody
    with contextlib.suppress(OSError, TimeoutError):
        writer.write(request[: rng.choice((len(request), len(request), rng.randrange(len(request))))])
        async with asyncio.timeout(rng.uniform(0, 0.5)):
            await reader.read(rng.choice((1, 100)))
    writer.transport.abort()


def _request(token: str, rng: Random, mark: str) -> bytes:
    body = json.dumps({"tags": {"customer_id": "left"}, "description": mark}).encode()
    method, path = rng.choice((("POST", "/admin/api-keys"), ("GET", _BILL), ("GET", "/audit/verify")))
    head = f"{method} {quote(path, safe='/?&=:')} HTTP/1.1\r\nHost: registry\r\nAuthorization: Bearer {token}\r\n"
    if method == "GET":
        return f"{head}\r\n".encode()
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
