"""Corrections in FOCUS columns: added to what was invoiced they give what is known now, to the last digit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from itertools import groupby
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.billing.focus.corrections import corrections
from projections.billing.focus.report import FOCUS_BY, FocusReport, focus_report
from projections.billing.query import BillQuery
from tests.support.bill_world import World, chat, instant, key_facts, model, uuid7
from tests.support.examples import running
from tests.support.focus import assert_same_rows, csv_of, csv_rows, parquet_of
from tests.support.ledger.appended import Appended
from tests.support.oracle.oracle import EPOCH, Fact
from tests.support.oracle.price_stories import PricedStory, priced_stories
from tests.support.oracle.prices import PriceFact
from tests.support.oracle.stories import BASE

KEY, OTHER = "keyAAAAAAAA1", "keyAAAAAAAA2"
NOON = instant("2026-03-01T12:00:00")
MARCH = BillQuery(FOCUS_BY, datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))
# What says which report a row is of.
_OF_REPORT: Final = ("ChargeClass", "x_Position", "x_UsageAnchoredAt")
_NUMBERS: Final = (
    "BilledCost", "ContractedCost", "EffectiveCost", "ListCost", "ConsumedQuantity", "PricingQuantity", "x_Inferences",
    "x_InputTokens", "x_OutputTokens", "x_CachedInputTokens", "x_CachedOutputTokens", "x_CacheReadTokens",
    "x_CacheWriteTokens", "x_ProviderCostUsd", "x_UnpricedRows", "x_UnratedRows",
)  # fmt: skip


Reports = tuple[FocusReport, FocusReport, FocusReport]


async def reports(world: World, invoiced: BillQuery, current: BillQuery, applied: int) -> Reports:
    """What was invoiced, what corrects it, and what is known now."""
    was, now = [await focus_report(world.clickhouse, world.names, one, applied) for one in (invoiced, current)]
    with localcontext(prec=3):  # it is to be exact by itself
        return was, corrections(was, now), now


def added(rows: Sequence[dict[str, Any]]) -> dict[tuple[tuple[str, str], ...], dict[str, Decimal]]:
    """Every number, summed by all that is none."""
    sums: dict[Any, dict[str, Decimal]] = defaultdict(lambda: dict.fromkeys(_NUMBERS, Decimal(0)))
    with localcontext(prec=100):
        for row in rows:
            identity = tuple((name, value) for name, value in row.items() if name not in (*_NUMBERS, *_OF_REPORT))
            for name in _NUMBERS:
                sums[identity][name] += Decimal(row[name] or 0)
    return {identity: numbers for identity, numbers in sums.items() if any(numbers.values())}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("examples", [2, pytest.param(40, marks=pytest.mark.long)])
def test_an_export_and_its_corrections_are_the_fresh_export_whatever_happened(world: World, examples: int) -> None:
    with running() as run:

        async def check(story: PricedStory, known_at: int, invoiced_batch: int) -> None:
            await world.clear()
            last = story.applied
            await world.write(story.facts, applied=last + 10)
            await world.write_prices(story.prices)
            appended, anchored_at = Appended(world, last), 0
            for batch, arrivals in groupby(story.arrivals, key=lambda arrival: arrival.batch):
                await world.serve([arrival.row for arrival in arrivals if not arrival.gone])
                if batch <= invoiced_batch:
                    anchored_at = await appended.anchor()
            since, until = (EPOCH + timedelta(milliseconds=BASE + offset) for offset in (-1, 21))
            current = BillQuery(FOCUS_BY, since, until)
            invoiced = replace(current, known_at=min(known_at, last), usage_known_at=anchored_at)
            made = await reports(world, invoiced, current, last + 10)
            was, corrected, now = (csv_rows(csv_of(one, current)) for one in made)
            assert added([*was, *corrected]) == added(now)
            assert len(added(corrected)) == len(corrected), "a correction of nothing, or two of one row"

        @settings(max_examples=examples)
        @given(story=priced_stories(), known_at=st.integers(0, 20), invoiced_batch=st.integers(0, 6))
        def holds(story: PricedStory, known_at: int, invoiced_batch: int) -> None:
            run(check(story, known_at, invoiced_batch))

        holds()


async def test_late_rows_a_backdated_edit_and_a_backdated_price_are_taken_back_and_brought(world: World) -> None:
    """Invoiced: an inference of each key at 1 EUR per million. Then a late one, another customer, and 2 EUR."""
    edit = Fact(4, NOON - 9, "tag", KEY, tag="customer_id", value="globex")
    facts = [*key_facts(KEY, 1, NOON - 9, customer_id="acme"), *key_facts(OTHER, 2, NOON - 9, customer_id="other")]
    await world.write([*facts, edit], applied=9)
    prices = [PriceFact(3, NOON - 9, "p", "set", "gpt", currency="EUR", input=Decimal(1)),
              PriceFact(5, NOON + 2, "p", "set", "gpt", currency="EUR", input=Decimal(2))]  # fmt: skip
    await world.write_prices(prices)
    for serial, (offset, key) in enumerate(((0, KEY), (1, OTHER), (3, OTHER))):
        id_ = uuid7(NOON + offset, serial)
        await world.serve([chat(id_, key), model(uuid7(NOON + 9, 100 + serial), id_)])
    anchored_at = await Appended(world, 5).anchor()
    late = uuid7(NOON + 1, 9)
    await world.serve([chat(late, OTHER), model(uuid7(NOON + 9, 109), late)])
    invoiced = replace(MARCH, known_at=3, usage_known_at=anchored_at)
    made = await reports(world, invoiced, MARCH, 9)
    was, corrected, now = (csv_rows(csv_of(one, MARCH)) for one in made)
    assert_same_rows(corrected, parquet_of(made[1], MARCH))
    assert added([*was, *corrected]) == added(now)
    assert [row["BilledCost"] for row in was] == ["0.00001", "0.00002"]
    assert [(row["SubAccountId"], row["SkuPriceId"], row["BilledCost"], row["x_Inferences"]) for row in corrected] == [
        ("acme", "p@2026-03-01T11:59:59.991Z", "-0.00001", "-1"),
        ("globex", "p@2026-03-01T11:59:59.991Z", "0.00001", "1"),
        # One of its two is at the new price now; the late one is in its place at the old price.
        ("other", "p@2026-03-01T12:00:00.002Z", "0.00002", "1"),
    ]
    assert {row["ChargeClass"] for row in corrected} == {"Correction"}
    assert {row["ChargeClass"] for row in (*was, *now)} == {""}
    assert corrections(made[2], made[2]).lines == []
