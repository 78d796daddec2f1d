"""The sync as operators run it: with a trial in one folder, alone between two databases, and what it tells."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from registry.log.postgres import PostgresEventLog
from registry.queries import Queries
from registry.service import KeyService, NewKey
from tests.support.gateway.rules import check
from tests.support.gateway.syncing import OPERATOR
from tests.support.processes.forked import run_forked
from tests.support.processes.parts import PATIENCE_S, Part
from tests.support.processes.registry_process import RegistryProcess
from tests.support.processes.running import embedded, started
from tests.support.servers.copies import Copies
from tests.support.servers.databases import Database, plain

METRICS = (
    'keyledger_gateway_drift_repaired_total{gateway="tensorzero"} 1.0',
    'keyledger_gateway_index_missing{gateway="tensorzero"} 0.0',
    'keyledger_gateway_without_hash{gateway="tensorzero"} 0.0',
    'keyledger_applied_position{projector="gateway"} 2.0',
    'keyledger_projector_failed{projector="gateway"} 0.0',
)


def settings(database: Database, gateway: Database) -> dict[str, str]:
    """Those of a sync between two databases, as the owner of the gateway's."""
    return {
        "KEYLEDGER_DATABASE_URL": plain(database.app_url),
        "KEYLEDGER_GATEWAY_DATABASE_URL": plain(gateway.owner_url),
        "KEYLEDGER_GATEWAY_RECONCILE_KEYS_PER_S": "10000",
    }


@pytest.fixture
async def gateway(blank: Copies) -> AsyncIterator[Database]:
    """An empty database of the gateway's."""
    made = await blank.take()
    yield made
    blank.drop(made)


async def until_verdict(driver: Any, text: str, verdict: str) -> None:
    """Return when the gateway says this of a key."""
    async with asyncio.timeout(PATIENCE_S):
        while await check(driver, text) != verdict:  # noqa: ASYNC110 - the table has no event of the loop
            await asyncio.sleep(0.05)


async def test_a_trial_in_one_folder_keeps_the_gateway_s_table_for_good(tmp_path: Path) -> None:
    first = RegistryProcess(tmp_path / "data", "--gateway")
    port = first.folder / "postgres" / "port"  # by which a gateway comes
    async with started(first), first.portal() as portal, embedded(first.folder) as driver:
        kept, revoked = await portal.create({}), await portal.create({})
        chosen = port.read_text()
        assert await check(driver, kept["api_key"]) == "valid"
        await portal.revoke(revoked["public_id"])
        assert await check(driver, revoked["api_key"]) == "disabled"
        await _until(first, "gateways", "reconciled_at")
        await driver.execute("UPDATE tensorzero_auth_api_key SET disabled_at = NULL")
        await until_verdict(driver, revoked["api_key"], "disabled")
        seen = await first.json("status")
        assert [one["name"] for one in seen["projectors"]] == ["clickhouse", "gateway"]
        assert (seen["gateways"][0]["drift_repaired"], seen["gateways"][0]["index_missing"]) == (1, False)
        assert {one["part"]: one["state"] for one in seen["parts"]} == {
            "serve": "running",
            "projector": "running",
            "sender": "leading",
            "sync": "leading",
            "collector": "leading",
        }

    again = RegistryProcess(first.folder)
    code, _, err = await again.ask("keys", "revoke", kept["public_id"])
    assert code == 0, err
    async with started(again), embedded(again.folder) as driver:
        assert port.read_text() == chosen, "the gateway comes by the same port"
        assert await check(driver, kept["api_key"]) == "disabled", "also by a command on the folder"


async def test_without_the_option_there_is_no_gateway(tmp_path: Path) -> None:
    async with started(RegistryProcess(tmp_path / "data")) as registry:
        seen = await registry.json("status")
    assert ([one["name"] for one in seen["projectors"]], seen["gateways"]) == (["clickhouse"], [])


async def test_the_sync_runs_alone_and_tells_of_itself(
    tmp_path: Path, database: Database, gateway: Database, postgres_log: PostgresEventLog, engine: AsyncEngine
) -> None:
    keys = KeyService(postgres_log, Queries(engine).public_id)
    made = await keys.create(NewKey(), OPERATOR)
    assert made.api_key is not None
    environ = settings(database, gateway)
    async with started(Part(tmp_path / "sync.log", environ, "project", "gateway")) as sync:
        # No table yet: it says so, and is ready to go on.
        await _until_failure(sync, "there is no table public.tensorzero_auth_api_key")
        (alarm,) = (await sync.status())["alarms"]
        assert (alarm["kind"], "--create-table" in alarm["detail"]) == ("gateway_stopped", True)
    for option in ("--create-table", "--create-index", "--create-index"):
        code, out, err = await run_forked("project", "gateway", option, environ=environ)
        assert (code, out) == (0, "done\n"), err

    async with started(Part(tmp_path / "sync.log", environ, "project", "gateway")) as sync, gateway.connect() as driver:
        await until_verdict(driver, made.api_key, "valid")
        await keys.revoke(made.key.public_id, OPERATOR)
        await until_verdict(driver, made.api_key, "disabled")
        await _until_failure(sync, None)
        await driver.execute("UPDATE tensorzero_auth_api_key SET disabled_at = NULL")
        await until_verdict(driver, made.api_key, "disabled")
        metrics = ""
        async with asyncio.timeout(PATIENCE_S):
            while not all(line in metrics for line in METRICS):
                metrics = (await sync.get("/metrics")).text
        assert (await sync.status())["alarms"] == []
        assert made.api_key.rpartition("-")[2] not in sync.log


async def test_after_a_restored_log_the_sync_stops_until_it_is_told_to_begin_anew(
    tmp_path: Path, database: Database, gateway: Database, postgres_log: PostgresEventLog, engine: AsyncEngine
) -> None:
    environ = settings(database, gateway)
    assert (await run_forked("project", "gateway", "--create-table", environ=environ))[0] == 0
    made = await KeyService(postgres_log, Queries(engine).public_id).create(NewKey(), OPERATOR)
    assert made.api_key is not None
    async with gateway.connect() as driver, database.connect() as owner:
        async with started(Part(tmp_path / "sync.log", environ, "project", "gateway")):
            await until_verdict(driver, made.api_key, "valid")
            code, _, err = await run_forked("project", "gateway", "--anew", environ=environ)
            assert (code, "stop `keyledger project gateway` first" in err) == (1, True)
        await owner.execute("UPDATE keyledger.gateway_sync SET hash = '\\x00'")
        code, _, err = await run_forked("project", "gateway", environ=environ)
        assert (code, "of another log" in err) == (1, True)
        await driver.execute("TRUNCATE tensorzero_auth_api_key")
        assert (await run_forked("project", "gateway", "--anew", environ=environ))[0] == 0
        async with started(Part(tmp_path / "sync.log", environ, "project", "gateway")):
            await until_verdict(driver, made.api_key, "valid")


async def test_wrong_use_is_told(tmp_path: Path) -> None:
    code, _, err = await run_forked("project", "gateway", environ={"KEYLEDGER_DATABASE_URL": "postgresql://a@b/c"})
    assert code == 1
    assert "KEYLEDGER_GATEWAY_DATABASE_URL" in err
    environ = {"KEYLEDGER_GATEWAY_DATABASE_URL": "postgresql://a@b/c"}
    code, _, err = await run_forked("up", "--gateway", "--data", str(tmp_path / "data"), environ=environ)
    assert code == 2
    assert "not both" in err


async def _until(registry: RegistryProcess, what: str, name: str) -> None:
    """Return when the status says anything there."""
    async with asyncio.timeout(PATIENCE_S):
        while not any(one[name] for one in (await registry.json("status"))[what]):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.05)


async def _until_failure(sync: Part, words: str | None) -> None:
    """Return when the gateway's sync says what it waits for, or that it waits for nothing."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found = [one["failure"] for one in (await sync.status())["projectors"] if one["name"] == "gateway"]
            if found and (found[0] is None if words is None else words in (found[0] or "")):
                return
            await asyncio.sleep(0.05)
