"""What an old commit made opens, verifies and bills the same today: a data folder, a database, an archive."""

from __future__ import annotations

import asyncio
import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from keyledger.embedded.postgresql.supervisor import EmbeddedPostgres
from tests.support.processes.forked import run_forked
from tests.support.processes.parts import Part
from tests.support.processes.registry_process import RegistryProcess
from tests.support.processes.running import embedded
from tests.support.servers.databases import plain
from tests.support.stored_registry.make import GATEWAY_TABLE
from tests.support.stored_registry.opened import (
    ARCHIVE,
    STORED,
    assert_same_answers,
    lines,
    needs_x86_64,
    stored_token,
    unpack,
    without_gained,
)
from tests.support.waiting import eventually

ANSWERS = lines("answers.ndjson")
# In no archive are the rows that these are about.
BILLS = [one for one in ANSWERS if one["get"].startswith("/billing/")]
OF_THE_LOG = [one for one in ANSWERS if not one["get"].startswith(("/billing/", "/audit/diff"))]
HEAD = 47
SECRETS = json.loads((STORED / "secrets.json").read_text(encoding="utf-8"))


async def test_a_data_folder_opens_verifies_and_bills_the_same(tmp_path: Path) -> None:
    needs_x86_64()
    unpack(tmp_path / "data")
    registry = RegistryProcess(tmp_path / "data")
    await registry.start()
    async with registry.portal() as portal:
        await assert_same_answers(portal.http, ANSWERS)
        await asyncio.gather(*(same_output(registry, one) for one in lines("commands.ndjson")))
        assert await gateway_table(registry.folder) == lines("gateway_table.ndjson")
        await assert_old_secrets_work(portal.http)
        made = await portal.create({"customer_id": "today"})
        assert made["position"] == HEAD + 1
        *old, new = await gateway_table(registry.folder)
        assert (old, new["public_id"]) == (lines("gateway_table.ndjson"), made["public_id"])
        assert new["hash"] == secret_hash(made["api_key"])
    assert (await registry.ask("audit", "verify"))[0] == 0
    assert await registry.stop() == 0


async def test_a_database_serves_and_verifies_the_same(tmp_path: Path) -> None:
    needs_x86_64()
    unpack(tmp_path / "data")
    with EmbeddedPostgres(tmp_path / "data" / "postgres") as postgres:
        environ = {
            "KEYLEDGER_DATABASE_URL": plain(postgres.app_url),
            "KEYLEDGER_MIGRATION_DATABASE_URL": plain(postgres.owner_url),
            "KEYLEDGER_GATEWAY_DATABASE_URL": plain(postgres.app_url),
            "KEYLEDGER_CLICKHOUSE_URL": f"chdb://{tmp_path / 'data' / 'clickhouse'}",
        }
        for command in ("migrate", "ddl"):
            code, _, err = await run_forked(command, environ=environ)
            assert code == 0, err
        await collect(Part(tmp_path / "usage.log", environ, "project", "usage", "--port", "0"))
        serve = Part(tmp_path / "serve.log", environ, "serve", "--port", "0")
        await serve.start()
        headers = {"Authorization": f"Bearer {stored_token().strip()}"}
        async with httpx.AsyncClient(base_url=serve.url, headers=headers, timeout=60) as http:
            # The statements of the bill are those of `up`: one of them shows that they are asked of these databases.
            await assert_same_answers(http, [*OF_THE_LOG, BILLS[-1]])
        await serve.stop()


@pytest.mark.long  # that archives restore is in test_archive.py; how old ones do, here
async def test_an_archive_restores_to_the_same_registry(tmp_path: Path) -> None:
    registry = RegistryProcess(tmp_path / "restored", "--gateway")
    code, _, err = await registry.ask("audit", "import", str(ARCHIVE))
    assert code == 0, err
    (registry.folder / "admin-token").write_text(stored_token())
    await registry.start()
    async with registry.portal() as portal:
        await assert_same_answers(portal.http, OF_THE_LOG)
        await assert_old_secrets_work(portal.http)
    restored = {row["public_id"]: row["hash"] for row in await gateway_table(registry.folder)}
    assert restored == {row["public_id"]: row["hash"] for row in lines("gateway_table.ndjson")}
    assert await registry.stop() == 0


async def collect(collector: Part) -> None:
    """What the gateway's tables have is in the journal, which an old registry did not have."""
    await collector.start()

    async def metrics() -> str:
        return (await collector.get("/metrics")).text

    done = "keyledger_usage_uncollected_rows 0.0"
    assert done in await eventually(metrics, lambda text: done in text, timeout_s=60)
    await collector.stop()


async def same_output(registry: RegistryProcess, stored: dict[str, Any]) -> None:
    """A command prints what it printed, but for an unknown cost, which the view no longer shows as 0 but as null."""
    known = "(SELECT * REPLACE (ifNull(cost_usd, 0) AS cost_usd) FROM keyledger.billable_usage)"
    words = [word.replace("keyledger.billable_usage", known) for word in stored["command"] if word != "--json"]
    assert without_gained(await registry.json(*words), stored["out"]) == stored["out"]


async def gateway_table(folder: Path) -> list[Any]:
    """The gateway's table as it is."""
    async with embedded(folder) as driver:
        return [json.loads(row["row"]) for row in await driver.fetch(GATEWAY_TABLE)]


async def assert_old_secrets_work(http: httpx.AsyncClient) -> None:
    """Tokens may what they might, and the gateway's row of an old credential fits its secret."""
    for token, path, status in (
        (SECRETS["billing"], BILLS[0]["get"], 200),
        (SECRETS["billing"], "/admin/api-keys", 403),
        (SECRETS["revoked"], "/admin/api-keys", 401),
    ):
        answer = await http.get(path, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == status, answer.text
    public_id = SECRETS["api_key"].split("-")[2]
    (row,) = [row for row in lines("gateway_table.ndjson") if row["public_id"] == public_id]
    assert row["hash"] == secret_hash(SECRETS["api_key"])


def secret_hash(api_key: str) -> str:
    """What the gateway compares a key with: SHA-256 of its secret part."""
    return sha256(api_key.split("-")[3].encode("ascii")).hexdigest()
