"""Over the socket, as clients in C or a shell write requests: broken percent-encoding, and HEAD."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from keyledger.runtime.serving.server import bind_tcp, serving
from tests.support.api.service import Api


@pytest.fixture
async def port(shared_api: Api) -> AsyncIterator[int]:
    """The shared API on a socket."""
    tcp = bind_tcp("127.0.0.1", 0)
    async with serving([(shared_api.app, tcp)]):
        yield tcp.getsockname()[1]


async def ask(port: int, method: bytes, target: bytes, *headers: bytes) -> tuple[int, bytes, bytes]:
    """Status, head and body of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = (method + b" " + target + b" HTTP/1.1", b"Host: keyledger", b"Connection: close", *headers, b"", b"")
    writer.write(b"\r\n".join(lines))
    async with asyncio.timeout(10):
        answered = await reader.read()
    writer.close()
    head, _, body = answered.partition(b"\r\n\r\n")
    return int(head.split()[1]), head.lower(), body


@pytest.mark.parametrize(
    ("target", "fields"),
    [
        (b"/admin/api-keys?status=%zz", ["status"]),
        (b"/admin/api-keys?status=active&tag=a:%", ["tag"]),
        (b"/admin/api-keys?tag=a:%ff&tag=b:%ed%a0%80", ["tag", "tag"]),
        (b"/billing/usage?gr%6fup+by=%4", ["group by"]),
        (b"/admin/api-keys?%zz=1", ["%zz"]),
        (b"/admin/api-keys?=%zz", ["query"]),
        (b"/admin/api-keys/%zz", ["path"]),
        (b"/admin/api-keys/%c3%28?at=%2", ["path", "at"]),
        (b"/metrics/%", ["path"]),
    ],
)
async def test_broken_percent_encoding_is_refused_by_its_parameter_and_never_mended(
    shared_api: Api, port: int, target: bytes, fields: list[str]
) -> None:
    status, head, body = await ask(
        port,
        b"GET",
        target,
        *(b"%s: %s" % (name.encode(), value.encode()) for name, value in shared_api.bearer("admin").items()),
    )
    assert status == 400
    assert b"application/problem+json" in head
    assert [error["field"] for error in json.loads(body)["errors"]] == fields


async def test_a_percent_sign_that_is_encoded_is_one(shared_api: Api) -> None:
    made = await shared_api.make_key(tags={"odd": "100%zz"})
    found = await shared_api.call("GET", "/admin/api-keys?tag=odd:100%25zz")
    assert [key["public_id"] for key in found.json()["items"]] == [made["public_id"]]


@pytest.mark.parametrize("path", [b"/healthz", b"/readyz", b"/metrics", b"/openapi.json"])
async def test_a_probe_that_asks_by_head_gets_what_get_would_say_without_the_body(port: int, path: bytes) -> None:
    status, head, body = await ask(port, b"HEAD", path)
    assert (status, body) == (200, b"")
    got, full, _ = await ask(port, b"GET", path)
    assert got == 200
    kind = next(line for line in full.split(b"\r\n") if line.startswith(b"content-type"))
    assert kind in head
    status, head, _ = await ask(port, b"DELETE", path)
    assert status == 405
    [allow] = [line for line in head.split(b"\r\n") if line.startswith(b"allow:")]
    assert {b"get", b"head"} == {method.strip() for method in allow.partition(b":")[2].split(b",")}
