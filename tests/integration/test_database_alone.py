"""Keys, tokens, their history and the API need the log's database alone: no ClickHouse and no broker is set."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.processes.forked import run_forked
from tests.support.processes.parts import Part
from tests.support.processes.running import started
from tests.support.servers.databases import Database, plain

PERIOD = {"since": "2026-03-01T00:00:00Z", "until": "2026-04-01T00:00:00Z"}


@pytest.fixture
def environ(database: Database) -> dict[str, str]:
    return {"KEYLEDGER_DATABASE_URL": plain(database.app_url)}


async def run(environ: dict[str, str], *command: str) -> Any:
    code, out, err = await run_forked(*command, "--json", environ=environ)
    assert code == 0, err
    return json.loads(out)


@pytest.fixture
async def served(environ: dict[str, str], tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of `serve`, with a token that may do all."""
    token = (await run(environ, "token", "create", "--name", "all", "--scope", "admin"))["token"]
    async with started(Part(tmp_path / "log", environ, "serve", "--port", "0")) as part:
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=part.url, headers=headers, timeout=30) as client:
            yield client


async def test_commands_of_keys_tokens_and_the_log_ask_for_nothing_else(
    environ: dict[str, str], tmp_path: Path
) -> None:
    """They looked into ./keyledger-data, and found no registry there."""
    token = await run(environ, "token", "create", "--name", "portal", "--scope", "keys:write")
    assert [one["token_id"] for one in await run(environ, "token", "list")] == [token["token_id"]]
    key = (await run(environ, "keys", "create", "--tag", "customer_id:acme"))["public_id"]
    await run(environ, "keys", "tag", key, "--set", "customer_id:globex")
    code, out, err = await run_forked("keys", "show", key, environ=environ)
    assert (code, "customer_id:globex" in out) == (0, True)
    assert "the last use is not known now: This registry runs without ClickHouse" in err
    assert [one["type"] for one in await run(environ, "audit", "history", key)] == ["KeyCreated", "TagsChanged"]
    assert (await run(environ, "audit", "state", key))["tags"] == {"customer_id": "globex"}
    assert (await run(environ, "audit", "export", str(tmp_path / "archive")))["head"]["position"] == 3


async def test_the_api_is_served_without_bills_and_is_ready(served: httpx.AsyncClient) -> None:
    made = await served.post("/admin/api-keys", json={"tags": {"customer_id": "acme"}})
    assert made.status_code == 201
    assert (await served.get("/readyz")).status_code == 200
    assert "keyledger_up 1.0" in (await served.get("/metrics")).text
    for path in ("/billing/usage", f"/admin/api-keys/{made.json()['public_id']}/usage"):
        refused = await served.get(path, params=PERIOD if path.startswith("/billing") else None)
        assert refused.status_code == 503
        assert "KEYLEDGER_CLICKHOUSE_URL" in refused.json()["detail"]


async def test_a_folder_and_databases_that_are_both_set_are_refused_by_what_could_mean_either(
    environ: dict[str, str], tmp_path: Path
) -> None:
    both = environ | {"KEYLEDGER_DATA": str(tmp_path / "data")}
    for command in (["token", "list"], ["keys", "list"], ["publish", "--since", "1"], ["audit", "export", "archive"]):
        code, out, err = await run_forked(*command, environ=both)
        assert (code, out) == (1, "")
        assert "unset KEYLEDGER_DATA for the databases" in err, err
    code, _, err = await run_forked("token", "list", "--data", str(tmp_path / "data"), environ=both)
    assert (code, f"there is no registry in {tmp_path / 'data'}" in err) == (1, True)
    code, _, err = await run_forked("migrate", environ=both)
    assert "42501" in err, "what can mean the databases alone goes on: the application's role may not migrate"
