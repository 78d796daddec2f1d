"""A period in FOCUS columns: its charges are those of the bill, and each tag names the event that set it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given, settings

from keyledger.http.billing.focus_rows import COLUMNS
from projections.billing.focus.report import FOCUS_BY, FocusReport, focus_report
from projections.billing.query import BillQuery
from registry.errors import FieldsRefused
from tests.support.bill_world import World, chat, instant, key_facts, model, uuid7
from tests.support.examples import running
from tests.support.focus import amounts, assert_same_rows, csv_of, csv_rows, parquet_of
from tests.support.ledger.appended import Appended
from tests.support.oracle.oracle import EPOCH, Fact
from tests.support.oracle.price_stories import PricedStory, priced_stories
from tests.support.oracle.prices import PriceFact
from tests.support.oracle.stories import BASE
from tests.support.oracle.tell import tell

KEY = "keyAAAAAAAA1"
NOON = instant("2026-03-01T12:00:00")
# What FOCUS 1.4 wants in every Cost and Usage dataset.
MANDATORY = (
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart",
    "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargePeriodEnd", "ChargePeriodStart", "ContractedCost",
    "EffectiveCost", "HostProviderName", "InvoiceIssuerName", "ListCost", "PricingQuantity", "PricingUnit",
    "ServiceCategory", "ServiceName", "ServiceProviderName",
)  # fmt: skip
_NULLABLE = {"BillingAccountName", "ChargeClass", "PricingQuantity", "PricingUnit"}


async def report(world: World, since: datetime, until: datetime, applied: int) -> tuple[FocusReport, BillQuery]:
    """The rows of a period, and the question."""
    query = BillQuery(FOCUS_BY, since, until)
    return await focus_report(world.clickhouse, world.names, query, applied), query


def charges(rows: list[dict[str, Any]]) -> list[dict[str, Decimal]]:
    """The sums by currency, of what is rated."""
    sums: dict[str, Decimal] = {}
    with localcontext(prec=100):
        for row in rows:
            if row["SkuPriceId"]:
                currency = row["BillingCurrency"]
                sums[currency] = sums.get(currency, Decimal(0)) + Decimal(row["BilledCost"])
    return [{"currency": name, "amount": sums[name]} for name in sorted(sums)]  # type: ignore[dict-item]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("examples", [2, pytest.param(40, marks=pytest.mark.long)])
def test_the_charges_of_all_rows_are_those_of_the_bill_whatever_happened(world: World, examples: int) -> None:
    with running() as run:

        async def check(story: PricedStory) -> None:
            await tell(world, story)
            since, until = (EPOCH + timedelta(milliseconds=BASE + offset) for offset in (-1, 21))
            made, query = await report(world, since, until, story.applied)
            rows = csv_rows(csv_of(made, query))
            total = (await world.typed_bill(applied=story.applied, since=since, until=until)).total
            assert charges(rows) == [{"currency": one.currency, "amount": one.amount} for one in total.charges]
            assert sum(int(row["x_UnratedRows"]) for row in rows) == total.unrated
            assert sum(int(row["x_UnpricedRows"]) for row in rows) == total.unpriced
            with localcontext(prec=100):
                assert sum(Decimal(row["x_ProviderCostUsd"] or 0) for row in rows) == (total.cost_usd or 0)
            for name, figure in (("x_InputTokens", total.input_tokens), ("x_OutputTokens", total.output_tokens)):
                assert sum(int(row[name]) for row in rows) == figure
            if max(map(abs, amounts(rows, "BilledCost")), default=Decimal(0)) < 10**11:
                assert_same_rows(rows, parquet_of(made, query))
            else:
                with pytest.raises(FieldsRefused, match="BilledCost"):
                    parquet_of(made, query)

        @settings(max_examples=examples)
        @given(story=priced_stories())
        def holds(story: PricedStory) -> None:
            run(check(story))

        holds()


async def test_a_day_is_split_where_tags_or_prices_change_and_each_tag_names_its_event(world: World) -> None:
    """Before noon at position 1's tags, after it at 2's; 10 tokens in at 1 EUR, then at 2 EUR per million."""
    facts = [*key_facts(KEY, 1, NOON - 9, customer_id="acme", env="x"), Fact(2, NOON, "tag", KEY, tag="env", value="y")]
    await world.write(facts, applied=4)
    at = ((3, NOON - 9, 1), (4, NOON + 1, 2))
    await world.write_prices(
        [PriceFact(position, ms, "p", "set", "gpt", currency="EUR", input=Decimal(euro)) for position, ms, euro in at]
    )
    for serial, offset in enumerate((-1, 0, 1)):
        id_ = uuid7(NOON + offset, serial)
        await world.serve([chat(id_, KEY), model(uuid7(NOON + 5, 100 + serial), id_, model_name="gpt")])
    id_ = uuid7(NOON + 1, 9)
    await world.serve([chat(id_, KEY), model(uuid7(NOON + 5, 109), id_, model_name="own", cost=None)])
    made, query = await report(world, datetime(2026, 3, 1, 6, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC), 4)
    rows = csv_rows(csv_of(made, query))
    assert list(rows[0]) == list(COLUMNS)
    assert set(MANDATORY) < set(COLUMNS)
    assert [(row["BilledCost"], row["BillingCurrency"], row["SkuPriceId"]) for row in rows] == [
        ("0.00001", "EUR", "p@2026-03-01T11:59:59.991Z"),
        ("0.00001", "EUR", "p@2026-03-01T11:59:59.991Z"),
        ("0.00002", "EUR", "p@2026-03-01T12:00:00.001Z"),
        ("0", "XXX", ""),
    ]
    assert [json.loads(row["Tags"])["env"] for row in rows] == ["x", "y", "y", "y"]
    assert [json.loads(row["x_TagPositions"]) for row in rows[:2]] == [
        {"customer_id": 1, "env": 1}, {"customer_id": 1, "env": 2},
    ]  # fmt: skip
    first, last = rows[0], rows[-1]
    assert (first["ChargePeriodStart"], first["ChargePeriodEnd"]) == ("2026-03-01T06:00:00Z", "2026-03-02T00:00:00Z")
    assert (first["BillingPeriodStart"], first["BillingPeriodEnd"]) == ("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z")
    assert (first["PricingQuantity"], last["PricingQuantity"], last["x_UnratedRows"]) == ("15", "", "1")
    assert (last["x_ProviderCostUsd"], last["x_UnpricedRows"]) == ("", "1")
    assert_same_rows(rows, parquet_of(made, query))
    for row in rows:
        assert [row[name] for name in ("ListCost", "ContractedCost", "EffectiveCost")] == [row["BilledCost"]] * 3
        assert all(row[name] for name in MANDATORY if name not in _NULLABLE)


async def test_the_rows_name_their_usage_alike_after_the_journal_was_lost_and_made_again(world: World) -> None:
    """A batch is a number of one journal, an anchor a position of the log."""
    await world.write(key_facts(KEY, 1, NOON - 9, customer_id="acme"), applied=5)
    for serial in range(3):
        await world.serve([chat(uuid7(NOON, serial), KEY), model(uuid7(NOON + 5, 100 + serial), uuid7(NOON, serial))])
    query = BillQuery(FOCUS_BY, datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC), known_at=1)
    made = await focus_report(world.clickhouse, world.names, query, 5)
    assert {row["x_UsageAnchoredAt"] for row in csv_rows(csv_of(made, query))} == {""}
    anchored_at = await Appended(world, 1).anchor()
    query = replace(query, usage_known_at=anchored_at)
    once = csv_of(await focus_report(world.clickhouse, world.names, query, 5), query)
    assert {row["x_UsageAnchoredAt"] for row in csv_rows(once)} == {str(anchored_at)}
    await world.lose_journal()
    await world.collect()
    assert csv_of(await focus_report(world.clickhouse, world.names, query, 5), query) == once


async def test_a_key_that_gets_its_tags_back_within_a_day_has_one_row_for_them(world: World) -> None:
    """Else a correction of that row would not say which of two it corrects."""
    facts = [Fact(2, NOON, "tag", KEY, tag="env", value="x"), Fact(3, NOON + 1, "tag", KEY, tag="env", value=None)]
    await world.write([*key_facts(KEY, 1, NOON - 9, customer_id="acme"), *facts])
    for serial, offset in enumerate((-1, 0, 1)):
        id_ = uuid7(NOON + offset, serial)
        await world.serve([chat(id_, KEY), model(uuid7(NOON + 5, 100 + serial), id_)])
    made, query = await report(world, datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC), 3)
    rows = csv_rows(csv_of(made, query))
    assert [(row["Tags"], row["x_Inferences"], row["x_InputTokens"], row["x_ProviderCostUsd"]) for row in rows] == [
        ('{"customer_id":"acme"}', "2", "20", "0.002"),
        ('{"customer_id":"acme","env":"x"}', "1", "10", "0.001"),
    ]
