"""The SQL of the documents on gateways and on billing does what they say, on rows with the arithmetic written out."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from projections.engine.templates import fill
from tests.support.bill_world import World, batch, chat, instant, key_facts, model, uuid7
from tests.support.documents import blocks
from tests.support.oracle.oracle import Fact

KEY = "keyAAAAAAAA1"
NOON = instant("2026-03-10T12:00:00")
HERE = "tests/integration/test_gateway_docs.py"


def statements(document: str, world: World) -> list[str]:
    """The statements of a document, on the test's own databases."""
    found = [fill(block, world.names) for block in blocks(document, HERE, "sql")]
    for standard, own in (("keyledger.", f"{world.names.database}."), ("tensorzero.", f"{world.names.gateway}.")):
        found = [statement.replace(standard, own) for statement in found]
    return found


async def test_the_reconciliation_with_the_invoice_holds_every_bucket(world: World) -> None:
    """Two priced, one of the cache and one without a price are keyed; one came by batch, one is an orphan."""
    ids = [uuid7(NOON + number, number) for number in range(6)]
    last_month = uuid7(instant("2026-02-28T23:59:59.999"), 7)
    await world.write(key_facts(KEY, 1, NOON))
    await world.serve([*(chat(id_, KEY) for id_ in (*ids[:5], last_month)), batch(ids[4])])
    used: list[dict[str, Any]] = [
        {},
        {"cost": Decimal("0.25")},
        {"cached": True, "cost": Decimal(0)},
        {"cost": None},
        {"cost": Decimal("0.5")},
        {"model_name": "claude", "model_provider_name": "anthropic", "cost": Decimal(2)},
    ]
    await world.serve([model(uuid7(NOON + 9, 90 + n), ids[n], **row) for n, row in enumerate(used)])
    await world.serve([model(uuid7(NOON, 99), last_month, cost=Decimal(100))])
    _, reconcile = statements("docs/gateways/tensorzero.md", world)
    assert await world.select(reconcile) == [
        ("anthropic", "claude", "orphan", 1, 0, 10, 5, Decimal(2), 0),
        ("openai", "gpt", "batch", 1, 0, 10, 5, Decimal("0.5"), 0),
        ("openai", "gpt", "keyed", 4, 1, 30, 15, Decimal("0.251"), 1),
    ]
    bill = await world.bill(since=datetime(2026, 3, 1, tzinfo=UTC), until=datetime(2026, 4, 1, tzinfo=UTC))
    assert sum(Decimal(bucket["cost_usd"] or 0) for bucket in bill["coverage"]) == Decimal("2.751")


async def test_batches_that_nobody_polled_are_found(world: World) -> None:
    """One was found done; of two inferences of the other nobody knows."""
    gateway, waits, done = world.names.gateway, uuid7(NOON, 1), uuid7(NOON, 2)
    for table, columns in (
        ("BatchModelInference", "inference_id UUID, batch_id UUID"),
        ("BatchRequest", "batch_id UUID, id UUID, status Enum('pending' = 1, 'completed' = 2, 'failed' = 3)"),
    ):
        await world.clickhouse.command(
            f"CREATE TABLE {gateway}.{table} ({columns}) ENGINE = MergeTree ORDER BY batch_id"
        )
    begun = [(uuid7(NOON + 5, 5), waits), (uuid7(NOON + 6, 6), waits), (uuid7(NOON + 7, 7), done)]
    await world.clickhouse.insert(f"{gateway}.BatchModelInference", begun, ["inference_id", "batch_id"])
    polled = [
        (waits, uuid7(NOON, 8), "pending"),
        (done, uuid7(NOON, 9), "pending"),
        (done, uuid7(NOON, 10), "completed"),
    ]
    await world.clickhouse.insert(f"{gateway}.BatchRequest", polled, ["batch_id", "id", "status"])
    unpolled, _ = statements("docs/gateways/tensorzero.md", world)
    assert [row[:2] for row in await world.select(unpolled)] == [(waits, 2)]


async def test_the_latency_of_revocations_is_what_the_page_asks_for(world: World) -> None:
    """Two ends that were run into, the longest for 900 and for 40 ms; a third one was not."""
    facts = [
        *key_facts(KEY, 1, NOON),
        *key_facts("keyBBBBBBBB2", 2, NOON),
        *key_facts("keyCCCCCCCC3", 3, NOON),
        *(Fact(4 + n, NOON + 10, "key_revoked", key) for n, key in enumerate((KEY, "keyBBBBBBBB2", "keyCCCCCCCC3"))),
    ]
    await world.write(facts)
    late = ((KEY, 100), (KEY, 900), ("keyBBBBBBBB2", 40))
    await world.serve([chat(uuid7(NOON + 10 + delay, delay), key) for key, delay in late])
    (latency,) = statements("docs/billing.md", world)
    assert await world.select(latency) == [("revoked", 2, 900, 900)]


async def test_an_invented_gateway_is_billed_by_what_is_taken_of_its_table(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its key moves from acme to beta at noon; a repeated row counts once, and labels are claims."""
    table, rows_of = blocks("docs/add-a-gateway.md", HERE, "sql")
    await world.clickhouse.command(table.replace("proxy.request", f"{world.names.gateway}.request"))
    monkeypatch.setattr("projections.usage.journal.state.TABLES", ("request",))
    monkeypatch.setattr("projections.usage.journal.taking.MADE_OF_ONE", {"request": 2})
    monkeypatch.setattr(
        "projections.usage.journal.taking.rows_of",
        lambda names, _table, of_parts: fill(rows_of, names, of_parts=of_parts),
    )
    facts = key_facts(KEY, 1, NOON - 1000, customer_id="acme")
    await world.write([*facts, Fact(2, NOON, "tag", KEY, tag="customer_id", value="beta")])
    columns = ["request_id", "began_at", "api_key_id", "route", "labels", "provider", "model"]
    columns += ["prompt_tokens", "completion_tokens", "from_cache", "price_usd"]
    rows = [
        ("r1", NOON - 1, KEY, "chat", {}, "openai", "gpt", 10, 5, False, Decimal("0.001")),
        ("r2", NOON, KEY, "chat", {"customer_id": "acme"}, "openai", "gpt", 20, 7, False, Decimal("0.01")),
        ("r2", NOON, KEY, "chat", {"customer_id": "acme"}, "openai", "gpt", 20, 7, False, Decimal("0.01")),
        ("r3", NOON + 1, KEY, "chat", {}, "openai", "gpt", 99, 98, True, Decimal(0)),
        ("r4", NOON + 1, KEY, "chat", {}, "anthropic", "claude", 1, 1, False, None),
        ("r5", NOON + 1, "", "chat", {}, "openai", "gpt", 3, 2, False, Decimal("0.5")),
    ]
    await world.clickhouse.insert(f"{world.names.gateway}.request", rows, columns)
    await world.collect()
    bill = await world.bill(group_by=("customer_id",))
    figures = ("inferences", *(f"{kind}_tokens" for kind in ("input", "output", "cached_input", "cached_output")))
    by_customer = [
        (line["by"]["customer_id"], *(line[name] for name in (*figures, "cost_usd", "unpriced")))
        for line in bill["lines"]
    ]
    assert by_customer == [("acme", 1, 10, 5, 0, 0, "0.001", 0), ("beta", 3, 21, 8, 99, 98, "0.01", 1)]
    assert {one["bucket"]: one["cost_usd"] for one in bill["coverage"] if one["inferences"]} == {
        "keyed": "0.011",
        "unkeyed": "0.5",
    }
    claims = await world.select("SELECT tag, claimed, actual FROM {database}.tag_conflict")
    assert claims == [("customer_id", "acme", "beta")]
    by_model = await world.bill(group_by=("provider", "model"))
    assert [list(line["by"].values()) for line in by_model["lines"]] == [["anthropic", "claude"], ["openai", "gpt"]]
