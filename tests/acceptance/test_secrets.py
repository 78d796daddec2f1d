"""After a life of keys and tokens at DEBUG, with failures, secrets and their hashes are where they must be alone.

Where they must be: the hashes in two tables of PostgreSQL; the first admin token and PostgreSQL's passwords in files of
the owner's. What callers send where no secret belongs: tests/integration/api/test_socket.py.
"""

from __future__ import annotations

import asyncio
import json
import re
from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from aiokafka import AIOKafkaConsumer

from tests.support.processes.initialised import InitialisedFolder
from tests.support.processes.registry_process import RegistryProcess
from tests.support.processes.running import embedded, started
from tests.support.servers.broker import Broker
from tests.support.webhook_receiver import Receiver, receiving

KEYS = "/admin/api-keys"
BILL = "/billing/usage?since=2026-01-01T00:00:00Z&until=2100-01-01T00:00:00Z&group_by=customer_id"
# The owner's alone, mode 0600: the token for its first use, PostgreSQL's passwords.
OWNERS = {"admin-token", "app-password", "password"}


ALLOWED = {"KEYLEDGER_WEBHOOK_ALLOW_PRIVATE": "true"}
# The members of answers that show a secret. That of a webhook is kept, in a table of PostgreSQL and nowhere else.
SHOWN_ONCE = {"api_key", "token", "secret"}


class Life:
    """What was made of secrets, and everything that was said to anybody."""

    def __init__(self, client: httpx.AsyncClient, process: RegistryProcess, receiver: Receiver) -> None:
        self._client = client
        self._receiver = receiver
        self._process = process
        self.texts = [(process.folder / "admin-token").read_text().strip()]
        self.of_webhooks: list[str] = []
        self.said: list[str] = []

    async def call(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        """One request; the secret of its answer is taken out of what was said."""
        answer = await self._client.request(method, path, **kwargs)
        text = f"{answer.text} {answer.headers}"
        shown = answer.json() if answer.headers.get("content-type") == "application/json" else {}
        for one in [shown, *shown.get("items", [])]:
            for name in SHOWN_ONCE & one.keys():
                (self.of_webhooks if name == "secret" else self.texts).append(one[name])
                text = text.replace(one[name], "")
        self.said.append(text)
        return answer

    async def run(self, *arguments: str) -> str:
        """One command; what it printed."""
        _, out, err = await self._process.ask(*arguments)
        self.said += [out, err]
        return out

    async def lived(self) -> None:
        """Keys and tokens are made, changed, used wrongly and ended."""
        key = (await self.call("POST", KEYS, json={"tags": {"customer_id": "acme"}})).json()
        path = f"{KEYS}/{key['public_id']}"
        for body in ({"overlap_s": 60}, {"compromised": True}):
            assert (await self.call("POST", f"{path}/rotate", json=body)).status_code == 201
        await self._repeated()
        await self.call("PATCH", path, json={"tags": {"customer_id": "beta"}})
        await self.call("POST", f"{path}/suspend", json={"reason": "a test"})
        await self.call("POST", f"{path}/resume")
        _, out, _ = await self._process.ask("token", "create", "--name", "t", "--scope", "keys:read", "--json")
        token = json.loads(out)
        self.texts.append(token["token"])
        other = {"Authorization": f"Bearer {token['token']}"}
        assert (await self.call("GET", KEYS, headers=other)).status_code == 200
        assert (await self.call("POST", KEYS, json={}, headers=other)).status_code == 403
        await self.run("token", "revoke", token["token_id"])
        assert (await self.call("GET", KEYS, headers=other)).status_code == 401
        await self.call("DELETE", path)
        for name in ("history", "state"):
            await self.call("GET", f"/audit/{name}/{key['public_id']}")
        for command in (("token", "list"), ("status",), ("keys", "list"), ("settings",), ("audit", "verify")):
            await self.run(*command)

    async def _repeated(self) -> None:
        """What shows a secret, each twice under one idempotency key: the second answer shows it again."""
        webhook = {"url": self._receiver.url}
        shows: tuple[tuple[str, Any], ...] = (
            (KEYS, {}),
            (f"{KEYS}/bulk-create", {"items": [{}, {}]}),
            ("/admin/tokens", {"name": "over HTTP", "scopes": ["keys:read"]}),
            ("/admin/webhooks", webhook),
        )
        for path, body in shows:
            headers = {"Idempotency-Key": f"repeated {path}".replace(" ", "-")}
            first, again = [await self.call("POST", path, json=body, headers=headers) for _ in range(2)]
            assert (first.status_code, first.json(), "idempotency-replayed" in again.headers) == (
                201,
                again.json(),
                True,
            )

    async def failing(self, folder: Path) -> None:
        """The database ends every session while keys are made, and a bill has no table to read."""
        async with embedded(folder) as connection:
            making = [asyncio.create_task(self.call("POST", KEYS, json={})) for _ in range(40)]
            while not all(task.done() for task in making):
                await connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE usename = current_user AND pid <> pg_backend_pid()"
                )
            assert {(await task).status_code for task in making} <= {201, 503}
        await self.run("sql", "RENAME TABLE keyledger.usage_entry_v1 TO keyledger.elsewhere")
        assert (await self.call("GET", BILL)).status_code == 500
        await self.run("sql", "RENAME TABLE keyledger.elsewhere TO keyledger.usage_entry_v1")

    def needles(self) -> list[str]:
        """The secret part of each text, and its hash in the ways that one is written."""
        secrets = [text.rpartition("-")[2] for text in self.texts]
        assert all(re.fullmatch(r"[A-Za-z0-9]{48}", secret) for secret in secrets)
        hashes = [sha256(secret.encode()) for secret in secrets]
        return [*secrets, *(one.hexdigest() for one in hashes), *(b64encode(one.digest()).decode() for one in hashes)]


def found_in(text: str, needles: Iterable[str]) -> list[str]:
    """The beginnings of those that are in a text."""
    low = text.lower()
    return [needle[:6] for needle in needles if needle.lower() in low]


def command_lines() -> str:
    """Those of all processes of this machine, as `ps` shows them to everybody."""
    return "\n".join(
        " ".join(one.info["cmdline"] or ())
        for one in psutil.process_iter(["cmdline"])
        if one.pid != psutil.Process().pid
    )


async def clickhouse_says(life: Life) -> str:
    """Every row of every table and view that takes no parameter, and what the engine logged of statements."""
    listed = await life.run(
        "sql", "SELECT database, name FROM system.tables WHERE database IN ('keyledger', 'tensorzero')"
        " AND engine NOT IN ('Dictionary') AND NOT match(create_table_query, '[{][a-z_]+:')", "--json"
    )  # fmt: skip
    tables = json.loads(listed)
    assert len(tables) > 15
    return "".join([await life.run("sql", f"SELECT * FROM {one['database']}.{one['name']}") for one in tables])


async def records_of(broker: Broker, topic: str, count: int) -> str:
    """The first records of a topic, as they are."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=broker.bootstrap_servers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        async with asyncio.timeout(30):
            got = [await consumer.getone() for _ in range(count)]
    finally:
        await consumer.stop()
    return "".join(f"{one.key!r} {one.value!r} {one.headers!r}" for one in got)


def in_files(folder: Path, secrets: list[str]) -> list[str]:
    """The files below a folder that have a secret in the clear, but the owner's own."""
    sought = [secret.encode() for secret in secrets]
    files = [file for file in folder.rglob("*") if file.is_file() and file.name not in OWNERS]
    assert len(files) > 100
    return [file.name for file in files if any(secret in file.read_bytes() for secret in sought)]


async def lived_without_a_trace(process: RegistryProcess, broker: Broker | None, topic: str) -> None:
    """The whole life on a process, and a look everywhere."""
    async with receiving() as receiver, started(process), process.portal() as portal:
        life = Life(portal.http, process, receiver)
        await life.lived()
        await life.failing(process.folder)
        await process.applied_all()
        assert (await life.call("GET", BILL)).status_code == 200
        exported = (await life.call("GET", "/audit/export")).text
        needles = [*life.needles(), *(secret.removeprefix("whsec_") for secret in life.of_webhooks)]
        assert (len(life.texts) >= 10, len(life.of_webhooks)) == (True, 2)
        await receiver.until(lambda one: len(one.taken) >= 5, timeout_s=30)
        assert found_in(" ".join(f"{one.headers} {one.body.decode()}" for one in receiver.requests), needles) == []
        assert found_in(await clickhouse_says(life), needles) == []
        assert found_in(command_lines(), needles) == []
        if broker is not None:
            assert found_in(await records_of(broker, topic, exported.count("\n")), needles) == []
        async with embedded(process.folder) as connection:
            events = await connection.fetchval("SELECT string_agg(event::text, ' ') FROM keyledger.event AS event")
            states = await connection.fetchval("SELECT string_agg(k::text, ' ') FROM keyledger.key_state AS k")
            kept = await connection.fetchval("SELECT string_agg(k::text, ' ') FROM keyledger.kept_answer AS k")
        assert found_in(f"{events} {states} {kept} {exported}", needles) == []
    assert found_in("\n".join(life.said), needles) == []
    assert "DEBUG" in process.log.read_text()
    logs = [process.log, process.folder / "postgres" / "postgres.log"]
    assert found_in("".join(file.read_text(errors="replace") for file in logs), needles) == []
    assert in_files(process.folder, needles[: len(life.texts)]) == []


@pytest.mark.long  # what requests log has a test in `make test`: tests/integration/api/test_socket.py
async def test_no_secret_is_left_anywhere_by_a_life_at_debug(tmp_path: Path, initialised: InitialisedFolder) -> None:
    environ = {"KEYLEDGER_LOG_LEVEL": "DEBUG", **ALLOWED}
    await lived_without_a_trace(await initialised.registry(tmp_path / "data", environ=environ), None, "")


@pytest.mark.long  # the same way through a broker
async def test_no_secret_is_left_on_the_topic(
    broker: Broker, topic: str, tmp_path: Path, initialised: InitialisedFolder
) -> None:
    environ = {
        "KEYLEDGER_LOG_LEVEL": "DEBUG",
        **ALLOWED,
        "KEYLEDGER_KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap_servers,
        "KEYLEDGER_KAFKA_TOPIC": topic,
        "KEYLEDGER_KAFKA_GROUP": topic,
    }
    process = await initialised.registry(tmp_path / "data", "--feed", "kafka", environ=environ)
    await lived_without_a_trace(process, broker, topic)
