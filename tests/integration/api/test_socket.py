"""The server as it is run.

A process of its own, its socket, and everything that it prints at the most talkative level.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from registry.log.postgres import PostgresEventLog
from registry.tokens.service import NewToken, TokenService
from registry.tokens.state import SCOPES
from tests.support.api.service import OPERATOR, PROBLEM
from tests.support.servers.databases import Database

KEYS = "/admin/api-keys"
BILL = "/billing/usage"


@dataclass(slots=True)
class Served:
    """A running server, and after `stop` all that it printed."""

    process: asyncio.subprocess.Process
    port: int
    token: str
    printed: str = ""

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    async def raw(self, request: bytes) -> tuple[int, bytes, bytes]:
        """Send bytes as they are; status, head and body of the first answer. The connection is closed then."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request)
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split(b" ", 2)[1]), head.lower(), body

    async def stop(self) -> str:
        """End it as an operator does; what it printed, stdout and stderr together."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        rest, _ = await asyncio.wait_for(self.process.communicate(), 30)
        self.printed += rest.decode()
        return self.printed


@pytest.fixture
async def served(
    database: Database, postgres_log: PostgresEventLog, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Served]:
    """`keyledger serve` on the test's database, logging all it can, as text or in the format that a test asks for."""
    token = (await TokenService(postgres_log).create(NewToken("test", SCOPES), OPERATOR)).text
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("KEYLEDGER_")},
        "KEYLEDGER_DATABASE_URL": database.app_url,
        "KEYLEDGER_CLICKHOUSE_URL": f"chdb://{tmp_path}/clickhouse",
        "KEYLEDGER_LOG_LEVEL": "DEBUG",
        "KEYLEDGER_LOG_FORMAT": getattr(request, "param", "text"),
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "keyledger.cli", "serve", "--port", "0"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=environment,
        cwd=Path(__file__).parents[3],
    )
    assert process.stdout is not None
    printed = ""
    async with asyncio.timeout(60):
        while "ready http" not in printed and (line := await process.stdout.readline()):
            printed += line.decode()
    assert "ready http" in printed, printed
    running = Served(process, int(printed.rpartition(":")[2]), token, printed)
    yield running
    await running.stop()


def request(method: str, target: bytes, token: str, *headers: bytes, body: bytes = b"") -> bytes:
    """One request as bytes, whose connection ends with the answer."""
    fixed = (b"Host: x", b"Connection: close", b"Authorization: Bearer " + token.encode())
    return b"\r\n".join((method.encode() + b" " + target + b" HTTP/1.1", *fixed, *headers, b"", body))


@pytest.mark.parametrize("served", ["json"], indirect=True)
async def test_bytes_that_no_client_sends_are_refused_and_the_server_goes_on(
    served: Served, postgres_log: PostgresEventLog
) -> None:
    json_type, token = b"Content-Type: application/json", served.token
    head = (await postgres_log.head()).position
    problems = {
        request("GET", b"/admin/api-keys/%zz", token): 400,
        request("GET", b"/admin/api-keys/%", token): 400,
        request("GET", b"/healthz%ff", token): 400,
        request("GET", b"/admin/api-keys/AAAAAAAAAAA%00", token): 404,
        request("GET", b"/admin/api-keys/../../etc/passwd", token): 404,
        request("GET", b"/admin/api-keys?status=%zz", token): 400,
        request("GET", b"/admin/api-keys?tag=a:%ff", token): 400,
        request("GET", b"/admin/api-keys?tag=a:%ed%a0%80", token): 400,
        request("GET", b"/admin/api-keys?" + b"&".join([b"tag=a:b"] * 2000), token): 400,
        request("GET", b"/admin/api-keys", token, b"Content-Length: 2", body=b"{}"): 400,
        request("POST", b"/admin/api-keys", token, json_type, b"Content-Length: 2000000", body=b"{"): 413,
        request(
            "POST",
            b"/admin/api-keys",
            token,
            json_type,
            b"Transfer-Encoding: chunked",
            body=b"10000\r\n" + b" " * 65_536 + b"\r\n" + 16 * (b"10000\r\n" + b" " * 65_536 + b"\r\n") + b"0\r\n\r\n",
        ): 413,
        request(
            *("POST", b"/admin/api-keys", token, json_type, b"Keyledger-On-Behalf-Of: \xff", b"Content-Length: 2"),
            body=b"{}",
        ): 422,
        request("TRACE", b"/admin/api-keys", token): 405,
        request("GET", b"/admin/api-keys", token + "x"): 401,
    }  # fmt: skip
    for sent, status in problems.items():
        got, fields, body = await served.raw(sent)
        assert got == status, sent[:200]
        assert PROBLEM.encode() in fields, sent[:200]
        assert json.loads(body)["status"] == status
    for broken in (
        b"nonsense\r\n\r\n",
        request("GET", b"/x y", token),
        request("GET", b"/", token, b"Content-Length: x"),
    ):
        got, _, _ = await served.raw(broken)
        assert got in {400, 404}
    assert (await postgres_log.head()).position == head
    async with httpx.AsyncClient(base_url=served.url) as client:
        assert (await client.get("/healthz")).status_code == 200
    lines = [json.loads(line) for line in (await served.stop()).splitlines() if not line.startswith("ready ")]
    assert all(line.keys() >= {"time", "level", "logger", "message"} for line in lines), "a line is an object"
    assert [line["status"] for line in lines if "request_id" in line] == [*problems.values(), 200]


async def test_no_secret_is_in_any_log_line_or_error_wherever_it_was_sent(
    served: Served, database: Database, postgres_log: PostgresEventLog
) -> None:
    bearer = {"Authorization": f"Bearer {served.token}"}
    async with httpx.AsyncClient(base_url=served.url, timeout=20) as client:
        made = [(await client.post(KEYS, json={"tags": {"a": "b"}}, headers=bearer)).json() for _ in range(3)]
        made_other = await TokenService(postgres_log).create(NewToken("other", ("billing:read",)), OPERATOR)
        other, other_token = made_other.token, made_other.text
        texts = [served.token, other_token, *(one["api_key"] for one in made)]
        answers = [await send(client, bearer, text, made[0]["public_id"]) for text in texts]
        ordinary = [
            await client.get(KEYS, headers=bearer),
            await client.get(f"{KEYS}/{made[0]['public_id']}/history", headers=bearer),
            await client.delete(f"{KEYS}/{made[0]['public_id']}", headers=bearer),
            await client.get("/metrics"),
            await client.get("/readyz"),
        ]
    for text in texts:
        await served.raw(request("GET", b"/" + text.encode() + b" HTTP/1.1\r\nX:", text, text.encode()))
    printed = await served.stop()
    assert "GET /admin/api-keys 200" in printed, "requests are logged"
    url = urlsplit(database.app_url)
    log = rf"the log's database: PostgreSQL at {url.hostname}:{url.port}, database {database.name}, user {url.username}"
    assert re.search(rf"connected to {log}, version \d+\S*.*\n", printed)
    assert re.search(r"connected to ClickHouse in \S+/clickhouse, version \d+\.\d+\S*, database keyledger", printed)
    assert f":{url.password}@" not in printed
    secrets = [text.rpartition("-")[2] for text in texts]
    secrets += [sha256(secret.encode()).hexdigest() for secret in secrets]
    said = "\n".join([*(text for group in answers for text in group), *(answer.text for answer in ordinary)])
    async with database.connect() as owner:
        kept = await owner.fetchval("SELECT string_agg(convert_from(payload, 'UTF8'), ' ') FROM keyledger.event")
        hashes = await owner.fetchval(
            "SELECT count(*) FROM keyledger.credential FULL JOIN keyledger.admin_token USING (secret_hash)"
            " WHERE secret_hash = ANY($1)",
            secrets,
        )
    assert hashes == len(texts), "the hashes looked for are those that are kept"
    assert other.token_id in kept
    for secret in secrets:
        assert secret not in printed
        assert secret not in said
        assert secret not in kept


async def send(client: httpx.AsyncClient, bearer: dict[str, str], secret: str, public_id: str) -> list[str]:
    """The errors for a secret in every place where none belongs."""
    path, bad = f"{KEYS}/{public_id}", {"Content-Type": "application/json", **bearer}
    answers = [
        await client.get(f"{KEYS}/{secret}", headers=bearer),
        await client.delete(f"{KEYS}/{secret}", headers=bearer),
        await client.get(f"/{secret}"),
        await client.get(KEYS, params=dict.fromkeys(("cursor", "tag", "status", "limit"), secret), headers=bearer),
        await client.get(path, params={"at": secret, "known_at": secret}, headers=bearer),
        await client.get(BILL, params=dict.fromkeys(("since", "until", "time_zone"), secret), headers=bearer),
        await client.post(KEYS, json={"tags": {"a": [secret]}, "expiration": secret}, headers=bearer),
        await client.post(KEYS, json={"tags": secret, "description": "\0" + secret}, headers=bearer),
        await client.post(KEYS, json=secret, headers=bearer),
        await client.post(KEYS, content=f'{{"tags": {secret}', headers=bad),
        await client.patch(path, json={"tags": {"b": secret + "\n"}}, headers=bearer),
        await client.patch(path, params={"effective_at": secret}, json={"tags": {}}, headers=bearer),
        await client.post(KEYS, json={}, headers={"Authorization": f"Bearer {secret}x"}),
        await client.post(KEYS, json={}, headers={"Authorization": f"Basic {secret}"}),
        await client.post(KEYS, json={}, headers={**bearer, "Keyledger-On-Behalf-Of": secret * 9}),
        *[await client.post(KEYS, json={"tags": 1}, headers={**bearer, "Idempotency-Key": secret}) for _ in range(2)],
        await client.post(KEYS, json={}, headers={**bearer, "Idempotency-Key": secret * 9}),
        await client.delete(path, headers={**bearer, "If-Match": secret}),
        await client.get(KEYS, headers={"Cookie": secret, "X-Api-Key": secret}),
        await client.request(secret[:20], KEYS, headers=bearer),
    ]  # fmt: skip
    assert all(400 <= answer.status_code < 500 for answer in answers), [answer.status_code for answer in answers]
    return [answer.text + str(answer.headers) for answer in answers]
