"""POST /operator/audit/repair mends the usage journal with the collector's lead, or in a turn of the collector."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest

from keyledger.http.app import operator_app
from keyledger.runtime import mending
from keyledger.settings import Settings
from projections.usage.journal.books import Books
from projections.usage.journal.collector import SEED, Collector
from registry.db.leader_lock import LeaderLock
from tests.support.audit.ledger_world import Ledger
from tests.support.bill_world import chat, instant, model, uuid7
from tests.support.kafka_world import running
from tests.support.servers.databases import Database

AT = instant("2026-03-01T10:00:00.000")
ROWS = [row for n in (1, 2) for row in (chat(uuid7(AT, n), "k"), model(uuid7(AT + 1, n), uuid7(AT, n)))]


@pytest.fixture
async def wrong(ledger: Ledger) -> Ledger:
    """A ledger whose gateway lost a row and whose journal lost an entry; the rest is in order."""
    await ledger.serve(ROWS)
    await ledger.apply()
    names, settings = ledger.world.names, {"mutations_sync": 2}
    for statement in (
        f"ALTER TABLE {names.gateway}.ModelInference DELETE WHERE inference_id = '{uuid7(AT, 1)}'",
        f"ALTER TABLE {names.database}.usage_entry_v1 DELETE WHERE number = toUInt128('{uuid7(AT, 2).int}')",
    ):
        await ledger.world.clickhouse.command(statement, settings=settings)
    return ledger


@asynccontextmanager
async def operator(ledger: Ledger, database: Database, books: Books | None) -> AsyncIterator[httpx.AsyncClient]:
    """The operator's app of a process with these books."""
    services = ledger.api.services
    registry = replace(services.registry, settings=Settings(migration_database_url=database.owner_url))
    transport = httpx.ASGITransport(operator_app(replace(services, registry=registry, books=books)))
    async with httpx.AsyncClient(transport=transport, base_url="http://operator") as client:
        yield client


async def repair(client: httpx.AsyncClient) -> list[tuple[str, Any]]:
    """The parts of the answer but for the progress."""
    answer = await client.post("/operator/audit/repair")
    parts = [next(iter(json.loads(line).items())) for line in answer.text.splitlines()]
    return [one for one in parts if one[0] != "progress"]


def lead(ledger: Ledger) -> LeaderLock:
    """The lead of the journal's collector."""
    return LeaderLock(ledger.api.services.registry.engine, ledger.world.names.journal, SEED)


@pytest.mark.parametrize("collects", [False, True], ids=["nobody collects", "its own collector runs"])
async def test_a_repair_leaves_no_finding_and_bills_what_the_gateway_has(
    wrong: Ledger, database: Database, collects: bool
) -> None:
    """One inference has no model row any more; the other is in the bill again."""
    collector = Collector(wrong.world.journal, lead(wrong)) if collects else None
    async with operator(wrong, database, collector) as client:
        if collector is None:
            told = await repair(client)
        else:
            async with running(collector.run()):
                told = await repair(client)
                await wrong.world.serve([model(uuid7(AT + 3, 3), uuid7(AT, 2))], collect=False)
                await collector.catch_up()
    ((kind, result),) = told
    assert (kind, result["findings"]) == ("result", 0)
    assert result["repaired"]["usage_entries"] == 3
    total = (await wrong.world.bill())["coverage"]
    assert sum(bucket["inferences"] for bucket in total) == 2
    assert sum(bucket["input_tokens"] for bucket in total) == (20 if collects else 10)


async def test_a_repair_says_who_keeps_the_journal_and_changes_nothing(
    wrong: Ledger, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two writers would count what they find twice."""
    monkeypatch.setattr(mending, "WAIT_S", 0.2)
    other = lead(wrong)
    await other.take()
    try:
        async with operator(wrong, database, None) as client:
            ((kind, words),) = await repair(client)
    finally:
        await other.release()
    assert kind == "error"
    assert "stop `keyledger project usage`" in words
