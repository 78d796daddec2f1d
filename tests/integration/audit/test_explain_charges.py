"""GET /audit/explain of what is charged: the price, the event that set it, the multiplication, and the bill agrees."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from registry.instant import from_ms, parse_instant, to_ms
from tests.support.audit.ledger_world import Ledger
from tests.support.bill_world import chat, model, uuid7

DISAGREES = "the charges of the bill are not those that the prices in the log give"


async def price(ledger: Ledger, price_id: str, **body: Any) -> int:
    """Set a price that held before any key was made; returns the position of its event."""
    query = {"effective_at": "2020-01-01T00:00:00Z", "reason": "x"}
    answer = await ledger.api.call("PUT", f"/admin/prices/{price_id}", json=body, params=query)
    assert answer.status_code in {200, 201}, answer.text
    return await ledger.api.head()


async def served(ledger: Ledger) -> tuple[UUID, list[UUID]]:
    """An inference of a gold key that used four models: one cached, one without a cost, one that no price fits."""
    key = await ledger.api.make_key(tags={"tier": "gold"})
    await ledger.apply()
    at = to_ms(parse_instant(key["created_at"]))
    inference, ids = uuid7(at, 1), [uuid7(at, serial) for serial in range(11, 16)]
    await ledger.serve([
        chat(inference, key["public_id"]),
        model(ids[0], inference, model_name="own", provider_cache_read_input_tokens=4, cost=None),
        model(ids[1], inference, model_name="own", cached=True),
        model(ids[2], inference, model_name="own", cost=None),
        model(ids[3], inference, cost=Decimal("0.5")),
        model(ids[4], inference, model_name="other"),
    ])  # fmt: skip
    return inference, ids


async def book(ledger: Ledger) -> int:
    """Prices: by tokens for all, another for gold keys, twice the cost of gpt; returns where gold's was set."""
    await price(ledger, "own", model="own", currency="EUR", per_million={"input": "9"})
    tokens = {"input": "1.5", "output": "2", "cache_read": "0.5", "cached_input": "0.1"}
    gold: dict[str, Any] = {"model": "own", "tags": {"tier": "gold"}, "currency": "EUR", "per_inference": "0.25"}
    position = await price(ledger, "gold", per_million=tokens, **gold)
    await price(ledger, "gpt", model="gpt", currency="USD", cost_multiplier="2")
    return position


async def test_each_row_has_its_price_the_event_and_the_multiplication_and_the_bill_agrees(ledger: Ledger) -> None:
    set_at = await book(ledger)
    inference, ids = await served(ledger)
    found = await ledger.get(f"/audit/explain/{inference}")
    assert found["disagreements"] == []
    first, cached, second, gpt, other = found["rating"]
    assert [one["id"] for one in found["rating"]] == [str(id_) for id_ in ids]
    assert (first["price_id"], first["position"], first["currency"]) == ("gold", set_at, "EUR")
    # 6 of 10 input tokens at 1.5, 4 read from the provider's cache at 0.5, 5 output at 2, once the inference
    assert [(one["counted"], one["quantity"], one["price"], one["per"], one["amount"]) for one in first["terms"]] == [
        ("input", 6, "1.5", 1_000_000, "0.000009"),
        ("output", 5, "2", 1_000_000, "0.00001"),
        ("cache_read", 4, "0.5", 1_000_000, "0.000002"),
        ("inference", 1, "0.25", 1, "0.25"),
    ]
    assert [one["amount"] for one in (first, cached, second, gpt, other)] == [
        "0.250021", "0.000001", "0.000025", "1", None,
    ]  # fmt: skip
    assert [(one["quantity"], one["price"]) for one in gpt["terms"]] == [("0.5", "2")]
    assert (other["price_id"], other["currency"], other["terms"]) == (None, None, [])
    assert other["unrated"] == "no price of its model, its provider and its key's tags holds at its instant"
    assert found["charges"] == [{"currency": "EUR", "amount": "0.250047"}, {"currency": "USD", "amount": "1"}]
    since = to_ms(parse_instant(found["at"]))
    bill = await ledger.world.bill(since=from_ms(since), until=from_ms(since + 1))
    assert (found["charges"], found["unrated"]) == (bill["total"]["charges"], bill["total"]["unrated"])
    before = await ledger.get(f"/audit/explain/{inference}", known_at=0)
    assert (before["disagreements"], before["charges"], before["unrated"]) == ([], [], 5)


async def test_a_missing_cost_is_named_and_a_price_that_the_log_lacks_is_a_disagreement(ledger: Ledger) -> None:
    set_at = await price(ledger, "all", model="*", currency="USD", cost_multiplier="2")
    inference, _ = await served(ledger)
    found = await ledger.get(f"/audit/explain/{inference}")
    assert (found["disagreements"], found["unrated"]) == ([], 2)
    lacking = found["rating"][0]
    assert (lacking["price_id"], lacking["position"], lacking["amount"]) == ("all", set_at, None)
    assert lacking["unrated"] == "its price multiplies the recorded cost, and none was recorded"
    forged: tuple[object, ...] = ("forged", set_at, 0, "set", "own", None, {}, "EUR", Decimal(1), *[None] * 7, 0)
    await ledger.api.services.store.insert_prices([forged])
    assert (await ledger.get(f"/audit/explain/{inference}"))["disagreements"] == [DISAGREES]
